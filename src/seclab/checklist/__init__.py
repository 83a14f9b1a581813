"""What a professional team holds about each model, agent and dataset, and what of it is there.

Whether evidence is held, not how it came out: that is the gate's to say.
"""

from seclab.checklist.listing import Known, listings
from seclab.checklist.loading import CHECKLIST, load_checklist
from seclab.checklist.records import FAMILIES, STATUSES, Family, Held, Item, Listing, Status

__all__ = [
    "CHECKLIST",
    "FAMILIES",
    "STATUSES",
    "Family",
    "Held",
    "Item",
    "Known",
    "Listing",
    "Status",
    "listings",
    "load_checklist",
]
