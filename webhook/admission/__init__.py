"""The wire of admission: an AdmissionReview's bytes become a Request, a Verdict becomes the AdmissionReview's answer.

What is right or wrong is left to `engine`, HTTP to `web`.
"""

from webhook.admission.answering import answer, respond
from webhook.admission.mutating import respond_mutation
from webhook.admission.reading import BadReview, read_review

__all__ = ["BadReview", "answer", "read_review", "respond", "respond_mutation"]
