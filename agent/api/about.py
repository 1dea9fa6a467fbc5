"""What there is besides runs: whether the service is well, and which stories can be replayed."""

from __future__ import annotations

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from agent.service.place import Here
from store import leases, orders
from store.database import StoreFault
from store.schema import RunRow, RunStatus
from tools.clock import Clock

router = APIRouter(tags=["service"])
