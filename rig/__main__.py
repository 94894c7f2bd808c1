"""`python -m rig build` has every part, and says where and how long it took; `cluster` starts one and stays."""

import argparse
import sys
import time

from rig.parts import MESH_PARTS, PARTS, PartMissing, have


def build() -> int:
    """Has every part; answers with the number of those that are missing."""
    missing = 0
    for part in (*PARTS, *MESH_PARTS):
        start = time.monotonic()
        try:
            where = str(have(part))
        except PartMissing as error:
            where, missing = f"missing: {error}", missing + 1
        print(f"{part:<24} {time.monotonic() - start:7.1f} s  {where}", flush=True)
    return missing


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m rig", description=__doc__)
    parser.add_argument("command", choices=["build", "cluster"])
    if parser.parse_args().command == "cluster":
        from rig.cluster import stay

        sys.exit(stay())
    sys.exit(1 if build() else 0)


if __name__ == "__main__":
    main()
