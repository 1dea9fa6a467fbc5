"""Examples in the OpenAPI schema: requests that can be sent as they are, and what is answered."""

from __future__ import annotations

from typing import Any

from fastapi import Body

RUN = "20261121-k7m2q"
HASH = "sha256:5b68bf614a7a20af6f4084f4a4a42b67b4dd49058267328835094e585a5980cf"
PROMPT_ID = "29ae21bd8d91aa897a86533faa4d9e0c"

WISHES = Body(
    openapi_examples={
        "in plain words": {
            "summary": "A request in plain words, and a judge",
            "value": {"text": "evaluate 8B models for therapy coaching", "judge": "ollama:gemma3:12b"},
        },
        "with limits": {
            "summary": "Limits, and twice as many scenarios",
            "value": {"text": "7-9B for coding", "licence": "commercial", "memory": "12 GB", "count": 100},
        },
        "one model": {
            "summary": "A model of the runtime's, without research",
            "value": {"model": "qwen3:8b", "domain": "therapy coaching", "judge": "human"},
        },
        "a replay": {"summary": "A recorded story, offline", "value": {"story": "therapy-8b"}},
    }
)

SUMMARY: dict[str, Any] = {
    "id": RUN,
    "text": "evaluate 8B models for therapy coaching",
    "status": "waiting",
    "stage": "approve",
    "detail": "waits for an approval of the table",
    "story": "therapy-8b",
    "host": None,
    "created_at": "2026-11-21T10:00:00Z",
    "updated_at": "2026-11-21T10:00:07Z",
}
RUN_LIST = {"total": 1, "next": None, "items": [SUMMARY]}
RUN_STATE: dict[str, Any] = {
    **SUMMARY,
    "request": {
        "text": "evaluate 8B models for therapy coaching",
        "size": {"minimum": 7_000_000_000, "maximum": 9_000_000_000},
        "domain": "therapy coaching",
        "domain_key": "therapy-coaching",
        "longest_conversation_turns": None,
        "licence_need": "any",
        "memory_budget_bytes": None,
        "languages": ["en"],
        "notes": ["“8B” was read as 7–9B: models called so differ by up to an eighth."],
    },
    "waits_for": {
        "prompt_id": PROMPT_ID,
        "prompt": {
            "kind": "approval",
            "run_id": RUN,
            "table_hash": HASH,
            "primary": "Qwen/Qwen3-8B",
            "backup": "google/gemma-2-9b-it",
            "problem": None,
        },
    },
    "tally": {
        "searches": {"found": 80},
        "fetches": {"found": 433, "empty": 81, "blocked": 7},
        "pages": 287,
        "seen": 152,
        "viable": 43,
        "facts": 852,
        "claims": 6,
    },
    "approvals": [],
    "progress": [],
    "results": [],
    "documents": [],
    "problem": "",
    "last_event": 687,
    "thread_id": None,
}
NEW_RUN: dict[str, Any] = {
    **RUN_STATE,
    "status": "queued",
    "stage": "intake",
    "detail": "",
    "updated_at": SUMMARY["created_at"],
    "request": None,
    "waits_for": None,
    "tally": {
        "searches": {},
        "fetches": {},
        "pages": 0,
        "seen": 0,
        "viable": 0,
        "facts": 0,
        "claims": 0,
    },
    "last_event": 2,
}
QUEUED: dict[str, Any] = {**RUN_STATE, "status": "queued", "waits_for": None}
CANCELLED: dict[str, Any] = {
    **RUN_STATE,
    "status": "cancelled",
    "detail": "cancelled by a person",
    "waits_for": None,
}

APPROVAL = Body(
    openapi_examples={
        "as proposed": {"summary": "Take the proposal", "value": {"action": "approve", "table_hash": HASH}},
        "others": {
            "summary": "Name other models, as people call them",
            "value": {
                "action": "approve",
                "table_hash": HASH,
                "primary": "qwen3 8b",
                "backup": "gemma 2 9b it",
                "note": "Gemma's licence needs a look first.",
            },
        },
        "edit": {
            "summary": "Consider one more, leave one out; the table is shown again",
            "value": {"action": "edit", "table_hash": HASH, "add": ["mistralai/Mistral-7B-Instruct-v0.3"]},
        },
        "more": {
            "summary": "Another wave of research",
            "value": {"action": "more", "table_hash": HASH, "note": "Look for models tuned on counselling."},
        },
        "reject": {
            "summary": "End it here",
            "value": {"action": "reject", "table_hash": HASH, "note": "No budget this quarter."},
        },
    }
)

REPLY = Body(
    openapi_examples={
        "judge": {
            "summary": "Name a judge",
            "value": {"prompt_id": PROMPT_ID, "reply": {"kind": "judge", "judge": "ollama:gemma3:12b"}},
        },
        "request": {
            "summary": "Say what the request leaves open",
            "value": {
                "prompt_id": PROMPT_ID,
                "reply": {"kind": "request", "answers": {"size": "8B", "domain": "therapy coaching"}},
            },
        },
        "scenarios": {
            "summary": "Agree to the drafted scenarios",
            "value": {"prompt_id": PROMPT_ID, "reply": {"kind": "scenarios", "agree": True}},
        },
        "labels": {
            "summary": "The labels have been given",
            "value": {"prompt_id": PROMPT_ID, "reply": {"kind": "labels"}},
        },
        "review": {
            "summary": "Notes of the review, and run the backup too",
            "value": {
                "prompt_id": PROMPT_ID,
                "reply": {"kind": "review", "notes": "It listens before it advises.", "run_backup": True},
            },
        },
    }
)

LABEL = Body(
    openapi_examples={
        "as a whole": {
            "summary": "The answer as a whole",
            "value": {"scenario_id": "s012", "passed": True, "note": "Warm, and it asks back."},
        },
        "by criterion": {
            "summary": "Criterion by criterion; the rubric makes pass or fail of it",
            "value": {"scenario_id": "s012", "verdicts": {"CQ1": "YES", "CQ2": "NO", "CQ3": "NA"}},
        },
    }
)

NEW_THREAD = Body(
    openapi_examples={
        "about a run": {"summary": "About a run from the beginning", "value": {"run_id": RUN}},
        "about nothing yet": {
            "summary": "About nothing yet, with a name of one's own",
            "value": {"id": "team-42"},
        },
    }
)

MESSAGE = Body(
    openapi_examples={
        "a question": {"summary": "A question", "value": {"text": "why not DeepSeek?", "id": "m1"}},
        "a decision": {
            "summary": "A decision, which is offered for a yes before anything is done",
            "value": {"text": "approve qwen3 with gemma as backup", "id": "m7"},
        },
    }
)

CONFIRMATION = Body(
    openapi_examples={
        "yes": {"summary": "Do what was offered", "value": {"yes": True}},
        "no": {"summary": "Leave it as it is", "value": {"yes": False}},
    }
)
