"""The wire of admission: an AdmissionReview's bytes become a Request, a Verdict becomes the AdmissionReview's answer.

What is right or wrong is left to `engine`, HTTP to `web`.
"""

from webhook.admission.mutation import respond_mutation
from webhook.admission.request import BadReview, read_review
from webhook.admission.response import answer, respond

__all__ = ["BadReview", "answer", "read_review", "respond", "respond_mutation"]
