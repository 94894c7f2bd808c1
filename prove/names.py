"""A small DNS server for one sandbox: every name has an address, names of the cluster those that we are told."""

import socket
import struct
import threading
import zlib
from collections.abc import Mapping

HEADER = struct.Struct("!6H")
A, IN = 1, 1
LIFE_SECONDS = 5


def address_of(name: str, known: Mapping[str, str]) -> str:
    """The address of a name: the one we are told, else one from a block that is kept for tests, always the same."""
    name = name.rstrip(".").lower()
    if name in known:
        return known[name]
    number = zlib.crc32(name.encode()) & 0xFFFF
    return f"198.18.{number >> 8}.{number & 0xFF}"


def serve(address: str, known: Mapping[str, str]) -> None:
    """Answers questions for names on port 53, in a thread."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((address, 53))

    def answer() -> None:
        while True:
            question, client = listener.recvfrom(4096)
            if len(question) > HEADER.size:
                listener.sendto(reply(question, known), client)

    threading.Thread(target=answer, daemon=True).start()


def reply(question: bytes, known: Mapping[str, str]) -> bytes:
    """The answer to a question: one address, or none where something else than an IPv4 address is asked for."""
    number, flags, *_ = HEADER.unpack_from(question)
    labels, at = [], HEADER.size
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    end = at + 5
    asked = question[HEADER.size : end]
    kind, _ = struct.unpack_from("!2H", question, at + 1)
    record = b""
    if kind == A:
        packed = socket.inet_aton(address_of(".".join(labels), known))
        record = struct.pack("!HHHIH", 0xC00C, A, IN, LIFE_SECONDS, len(packed)) + packed
    return HEADER.pack(number, 0x8580 | (flags & 0x0100), 1, int(bool(record)), 0, 0) + asked + record
