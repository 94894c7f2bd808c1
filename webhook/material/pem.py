"""Every PEM block that a person would see in a file, with what each of the two programs makes of it.

Reads leniently, so that a finding can name what is there; `agent_pem` and `envoy_pem` say who finds it. What stands
in a block is for `x509`. Linear in the size; at most MOST_BLOCKS blocks are looked at.
"""

import re
from dataclasses import dataclass
from sys import intern

from webhook.material.agent_pem import blocks_of_agent
from webhook.material.envoy_pem import EnvoyPemBlocks, blocks_of_envoy
from webhook.material.strict_base64 import decode

MOST_BLOCKS = 1000
"""An operating system's bundle holds about 150 certificates; a Secret of 1 MiB could hold thousands of blocks."""

NOT_AT_LINE_START = "its BEGIN line does not start a line"
NO_END = "its END line is missing"
NOT_BASE64 = "its body is not base64"
ESCAPED = r"its line breaks are written as the two characters \n"
ONE_LINE = "its line breaks are missing"
UNREACHED = "Envoy stops at an error before it"
NOT_BY_ENVOY = "Envoy cannot decode it: a blank line or a header stands in it, or its END line does not fit"
NOT_BY_AGENT = "the agent cannot decode it"
NOT_BY_ANY = "neither the agent nor Envoy can decode it"

_LABEL = rb"[^\n-]{0,64}?-----"
_BEGIN = re.compile(rb"-----BEGIN (" + _LABEL + rb")")
_END = re.compile(rb"-----END " + _LABEL)
_GLUE = re.compile(rb"-----END " + _LABEL + rb"[ \t]{0,64}-----BEGIN ")
_ENCRYPTED = re.compile(rb"\s*Proc-Type: *4,ENCRYPTED")
_PLAIN = re.compile(
    rb"-----BEGIN ([A-Z0-9 ]{1,64})-----\n((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{1,64}={0,2}\n)-----END \1-----\n"
)


@dataclass(frozen=True, slots=True)
class RawBlock:
    """One block, decoded as far as anybody could. Never leaves this package: der may be a private key."""

    label: str
    der: bytes
    encrypted: bool
    agent: bool
    envoy: bool
    fatal: bool
    problem: str

    def __repr__(self) -> str:
        """The label only: the bytes may be a key."""
        return f"RawBlock({self.label!r})"


@dataclass(frozen=True, slots=True)
class PemFile:
    """The blocks in file order; glued, garbage and unread as in Material."""

    blocks: tuple[RawBlock, ...]
    glued: bool
    garbage: bool
    unread: int


def scan(content: bytes) -> PemFile:
    """All PEM blocks of a file."""
    plain = _plain(content)
    if plain is None:
        return scan_leniently(content)
    return PemFile(plain, glued=False, garbage=False, unread=0)


def _plain(content: bytes) -> tuple[RawBlock, ...] | None:
    """The blocks of a file as every tool writes it, which everybody reads alike; None for any other."""
    blocks: list[RawBlock] = []
    offset = 0
    while len(blocks) < MOST_BLOCKS and (match := _PLAIN.match(content, offset)):
        der = decode(match[2].translate(None, b"\n"))
        if der is None:
            return None
        label = intern(match[1].decode("ascii"))  # one text for the same word in thousands of Secrets
        blocks.append(RawBlock(label, der, encrypted=False, agent=True, envoy=True, fatal=False, problem=""))
        offset = match.end()
    return tuple(blocks) if offset == len(content) else None


def scan_leniently(content: bytes) -> PemFile:
    """All PEM blocks of any file, however it is written."""
    begins = list(_BEGIN.finditer(content))
    agent, envoy = blocks_of_agent(content), blocks_of_envoy(content)
    stops = [*(begin_line.start() for begin_line in begins[1:]), len(content)]
    blocks = []
    garbage = bool(content[: begins[0].start()].strip()) if begins else bool(content.strip())
    for begin, stop in list(zip(begins, stops, strict=False))[:MOST_BLOCKS]:
        end = _END.search(content, begin.end(), stop)
        body = content[begin.end() : end.start() if end else stop]
        garbage = garbage or bool(end and content[end.end() : stop].strip())
        decodable = begin.start() in agent
        reason = "" if decodable else _reason(content, begin.start(), body, ended=end is not None)
        blocks.append(_block(begin, body, reason, agent, envoy))
    unread = max(len(begins) - MOST_BLOCKS, 0)
    return PemFile(tuple(blocks), glued=_GLUE.search(content) is not None, garbage=garbage, unread=unread)


def _block(
    begin: re.Match[bytes], body: bytes, reason: str, agent: dict[int, bytes], envoy: EnvoyPemBlocks
) -> RawBlock:
    """One block with what the two programs found at its place."""
    at = begin.start()
    by_agent, by_envoy = agent.get(at), envoy.blocks.get(at)
    der = by_envoy if by_agent is None else by_agent
    in_envoy = by_envoy is not None and by_envoy == der
    return RawBlock(
        label=begin[1][:-5].decode("ascii", "replace"),
        der=(_decoded(body) or b"") if der is None else der,
        encrypted=_ENCRYPTED.match(body) is not None,
        agent=by_agent is not None,
        envoy=in_envoy,
        fatal=at == envoy.failed or (by_envoy is not None and not in_envoy),
        problem=_problem(reason, by_agent is not None, in_envoy, unreached=0 <= envoy.failed < at),
    )


def _problem(reason: str, by_agent: bool, by_envoy: bool, *, unreached: bool) -> str:  # noqa: FBT001
    """Why not both programs find a block; '' when they do."""
    if by_agent and by_envoy:
        return ""
    if by_agent:
        return UNREACHED if unreached else NOT_BY_ENVOY
    return reason or (NOT_BY_AGENT if by_envoy else NOT_BY_ANY)


def _reason(content: bytes, at: int, body: bytes, *, ended: bool) -> str:
    """What a person would mend in a block that cannot be decoded; '' when nothing is evident."""
    if b"\n" not in body and b"\\n" in body:
        return ESCAPED
    if ended and b"\n" not in body:
        return ONE_LINE
    if at and content[at - 1] != ord("\n"):
        return NOT_AT_LINE_START
    if not ended:
        return NO_END
    return "" if _decoded(body) is not None else NOT_BASE64


def _decoded(body: bytes) -> bytes | None:
    """The bytes of a body, read leniently: headers and blanks do not count."""
    lines = [line for line in body.replace(b"\\n", b"\n").split(b"\n") if b":" not in line]
    return decode(b"".join(b"".join(lines).split()))
