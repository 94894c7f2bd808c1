"""Writes the generated documents: each module here makes some pages, as pairs of path below docs/ and text.

python -m tools.docs            # writes them
python -m tools.docs --check    # 1 when one is not as it would be written
"""
