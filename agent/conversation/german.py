"""The commonest German questions as English ones: answers are in English, as the sources mostly are."""

from __future__ import annotations

import re
from typing import Final

_N = r"(?P<n>\S.{0,119}?)"
_M = r"(?P<m>\S.{0,119}?)"
_FORMS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), english)
    for pattern, english in (
        (r"hilfe|was\s+kann\s+ich\s+(?:hier\s+)?(?:fragen|sagen|tun)", "help"),
        (r"weiter|mach(?:e)?\s+weiter", "go on"),
        (
            r"nein[\s,]+(?:danke|lieber\s+nicht)|lass\s+(?:das|es|mal)(?:\s+(?:sein|bleiben))?|lieber\s+nicht|nicht\s+jetzt",
            "no",
        ),
        (r"stopp|abbruch|halt", "stop"),
        (rf"(?:nimm|nehmen\s+wir|ich\s+nehme)\s+{_N}", "take {n}"),
        (
            rf"(?:warum|wieso|inwiefern)\s+ist\s+{_N}\s+(?:besser|schlechter)\s+als\s+{_M}",
            "compare {n} and {m}",
        ),
        (r"abbrechen|brich\s+(?:es\s+|den\s+lauf\s+)?ab", "cancel"),
        (rf"warum\s+(?:denn\s+)?nicht\s+{_N}", "why not {n}?"),
        (
            rf"warum\s+(?:ist|wurde|fehlt)\s+{_N}(?:\s+(?:abgelehnt|ausgeschlossen|verworfen|nicht\s+dabei))?",
            "why not {n}?",
        ),
        (
            r"warum(?:\s+(?:gerade\s+)?(?:diese[rs]?|der|das)\s+(?:vorschlag|modelle?|auswahl))?",
            "why this proposal?",
        ),
        (rf"warum\s+{_N}", "why {n}?"),
        (
            r"(?:nur|ausschlie(?:ß|ss)lich)\s+(?:modelle\s+)?(?:(?:mit|unter)\s+)?(?:einer\s+|der\s+)?(?P<n>apache|mit)(?:\s*-?\s*2(?:\.0)?)?[\s-]*lizenz(?:en)?",
            "only {n} licences",
        ),
        (r"nur\s+kommerziell(?:e|\s+nutzbare)?(?:\s+(?:modelle|lizenzen))?", "only commercial"),
        (
            r"(?:nichts|keine(?:\s+modelle)?)\s+(?:über|größer\s+als)\s+(?P<n>\d{1,3}(?:[.,]\d)?)\s*b",
            "nothing above {n}B",
        ),
        (
            r"(?:wie\s*viel|was)\s+kostet\s+(?:das|es|mich\s+das)(?:\s+.{0,40})?|was\s+sind\s+die\s+kosten",
            "what does it cost?",
        ),
        (
            r"was\s+(?:wurde|war|ist)\s+(?:alles\s+)?(?:blockiert|gesperrt)(?:\s+worden)?|wurde\s+etwas\s+blockiert",
            "what was blocked?",
        ),
        (
            r"(?:was|wer|welche)\s+(?:modelle\s+)?(?:wurden?)\s+(?:abgelehnt|verworfen|aussortiert|ausgeschlossen)",
            "who was rejected?",
        ),
        (
            r"welche[rs]?\s+(?:modell\s+)?(?:ist|wäre)\s+(?:(?:am|das|der|die)\s+)?beste[ns]?(?:\s+.{0,60})?|was\s+(?:würdest\s+du\s+(?:nehmen|empfehlen)|empfiehlst\s+du|schlägst\s+du\s+vor)",
            "which one is best?",
        ),
        (
            r"was\s+(?:ist\s+)?(?:am\s+(?:h(?:ä|ae)ufigsten|meisten)\s+)?(?:fehlgeschlagen|schiefgegangen|gescheitert)|woran\s+scheitert\s+(?:es|das\s+modell)|was\s+scheiterte?\s+am\s+(?:h(?:ä|ae)ufigsten|meisten)",
            "what failed most?",
        ),
        (r"wie\s+lange(?:\s+(?:dauert|noch).{0,40})?", "how long?"),
        (r"wie\s+ist\s+der\s+stand|wo\s+stehen\s+wir|wie\s+weit\s+(?:ist\s+es|bist\s+du)", "status"),
        (
            r"wie\s+ist\s+die\s+(?:erfolgs|bestehens)quote|was\s+ist\s+(?:das\s+)?ergebnis",
            "what is the pass rate?",
        ),
        (r"(?:zeig(?:e)?\s+(?:mir\s+)?)?(?:die\s+)?tabelle", "show the table"),
        (r"(?:zeig(?:e)?\s+(?:mir\s+)?)?(?:den\s+)?bericht", "show the report"),
        (r"(?:zeig(?:e)?\s+(?:mir\s+)?)?(?:ein\s+)?beispiel", "show an example"),
        (r"ist\s+(?:es|das|das\s+modell)\s+(?:sicher|gefährlich)(?:\s+.{0,80})?", "is it safe?"),
        (rf"ist\s+{_N}\s+(?:sicher|gefährlich)(?:\s+.{{0,80}})?", "is {n} safe?"),
        (
            rf"(?:darf|kann)\s+(?:ich|man)\s+{_N}\s+kommerziell\s+(?:nutzen|verwenden|einsetzen)",
            "can I use {n} commercially?",
        ),
        (rf"welche\s+lizenz\s+(?:hat|haben)\s+{_N}", "what is the licence of {n}?"),
        (
            rf"wie\s*viel\s+(?:arbeits)?speicher\s+(?:braucht|benötigt|brauche\s+ich\s+für)\s+{_N}",
            "how much memory does {n} need?",
        ),
        (r"wie\s*viel\s+(?:arbeits)?speicher\s+brauche\s+ich", "how much memory do I need?"),
        (rf"wie\s+gut\s+ist\s+{_N}", "how good is {n}?"),
        (rf"vergleiche\s+{_N}\s+(?:mit|und)\s+{_M}", "compare {n} and {m}"),
        (r"vergleiche\s+die\s+(?:ersten|besten)\s+(?:zwei|beiden)", "compare the first two"),
        (r"vergleiche\s+die\s+(?:ersten|besten)\s+drei", "compare the first three"),
        (r"vergleiche\s+die\s+(?:ersten|besten)\s+vier", "compare the first four"),
        (
            r"(?:ist|sind|wären)\s+(?P<n>\d{1,3}(?:[.,]\d{1,2})?)\s*(?:%|prozent)\s+(?:gut|genug|schlecht|ausreichend|viel|okay|ok)(?:\s+genug)?",
            "is {n} % good?",
        ),
        (r"(?:ohne|kein)\s+back-?\s?up", "no backup"),
        (rf"(?:ohne|keine?|lass|ohne\s+die)\s+{_N}(?:[\s-]+modelle)?(?:\s+weg)?", "leave out {n}"),
        (rf"(?P<n>\d[\d.,–-]*\s*b)(?:[\s-]*modelle?)?\s+(?:für|fuer)\s+{_M}", "{n} models for {m}"),
        (
            rf"(?:bewerte|evaluiere|teste|untersuche|suche)\s+{_N}[\s-]*modelle?\s+(?:für|fuer)\s+{_M}",
            "evaluate {n} models for {m}",
        ),
    )
)
_IT: Final = re.compile(r"es|das|ihn|sie|dieses(?:\s+modell)?|das\s+modell", re.IGNORECASE)
_WORDS: Final = re.compile(
    r"\b(?:nicht|und|oder|ist|sind|wie|welche[rsnm]?|warum|wieso|nur|ich|du|wir|kann|darf|für|wurden?|viel|gibt|bitte|zeige?|modelle|"
    r"der|das|ein|eine[rsnm]?|mit|auf|von|zu|haben|hat|noch|auch|alle|keine?|wo|wer|wann|mir|mich)\b",
    re.IGNORECASE,
)

KNOWN: Final = (
    "warum nicht X?",
    "welches ist das beste?",
    "nur Modelle mit Apache-Lizenz",
    "was wurde blockiert?",
    "was kostet das?",
    "wie lange?",
)
"""Some of the forms, as they are told to somebody."""


def in_english(text: str) -> str | None:
    """The English question that ``text`` asks in German; None for anything else."""
    folded = " ".join(text[:400].split()).rstrip(" .!?…")
    folded = re.sub(r"^(?:und|aber|bitte|ok|okay)[\s,]+|[\s,]+bitte$", "", folded, flags=re.IGNORECASE)
    for pattern, english in _FORMS:
        found = pattern.fullmatch(folded)
        if found is not None:
            parts = {
                name: _IT.sub("it", words) if _IT.fullmatch(words) else words
                for name, words in found.groupdict("").items()
            }
            return english.format(**parts)
    return None


def looks_german(text: str) -> bool:
    """Two of the commonest words, or one and an umlaut."""
    number = len(_WORDS.findall(text[:400]))
    return number >= 2 or (number == 1 and re.search(r"[äöüß]", text[:400], re.IGNORECASE) is not None)
