"""A mail as JSON: who, what, when, and its attachments; with where the library that read it lies."""
import email
import email.policy
import hashlib
import json
import sys

with open(sys.argv[1], "rb") as file:
    mail = email.message_from_binary_file(file, policy=email.policy.default)
attachments = [
    {
        "name": part.get_filename(),
        "media_type": part.get_content_type(),
        "sha256": hashlib.sha256(part.get_payload(decode=True)).hexdigest(),
    }
    for part in mail.iter_attachments()
]
print(json.dumps({
    "from": mail["from"].addresses[0].addr_spec,
    "subject": mail["subject"],
    "sent": mail["date"].datetime.isoformat(),
    "text": mail.get_body(("plain",)).get_content().strip(),
    "attachments": attachments,
    "library": email.__file__,
    "python": sys.version.split()[0],
}))
