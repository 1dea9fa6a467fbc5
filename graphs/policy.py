"""What is answered where no person is asked. Every such answer says so in its ``by``."""

from __future__ import annotations

from graphs.nodes.approve import policy_approval
from graphs.nodes.choose_judge import policy_judge
from graphs.nodes.decide import policy_review
from graphs.nodes.scenarios import policy_agreement
from graphs.prompts import ApprovalPrompt, JudgePrompt, Prompt, Reply, ReviewPrompt, ScenariosPrompt


def policy_reply(prompt: Prompt) -> Reply | None:
    """The policy's answer to a prompt; None where only a person can answer."""
    match prompt:
        case ApprovalPrompt():
            # A refused proposal is not proposed a second time.
            return policy_approval(prompt) if prompt.problem is None else None
        case ScenariosPrompt():
            return policy_agreement(prompt)
        case JudgePrompt():
            return policy_judge(prompt)
        case ReviewPrompt():
            return policy_review(prompt)
        case _:
            return None
