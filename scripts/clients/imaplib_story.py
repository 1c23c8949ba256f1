"""The main story with Python's imaplib, which nobody here wrote. Gets ports, certificate, password and mail as JSON on stdin
(imaplib.ts); prints a line for each step; ends with a traceback when an answer is not as it should be."""
import base64
import imaplib
import json
import re
import ssl
import sys

given = json.load(sys.stdin)
mail = {name: base64.b64decode(raw) for name, raw in given["letters"].items()}
own_mail = base64.b64decode(given["ownMail"])
# Verifies the certificate and the name in it.
context = ssl.create_default_context(cafile=given["certificate"])


def tell(step):
    print(step, flush=True)


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


def quoted(mailbox):
    return '"%s"' % mailbox


def log_in(login, starttls=False):
    if starttls:
        client = imaplib.IMAP4("localhost", given["imapPort"])
        try:
            client.login(login, given["password"])
        except imaplib.IMAP4.error as refusal:
            assert b"PRIVACYREQUIRED" in refusal.args[0], refusal
        else:
            raise AssertionError("a password was taken in clear")
        ok(client.starttls(context))
    else:
        client = imaplib.IMAP4_SSL("localhost", given["imapsPort"], ssl_context=context)
    ok(client.login(login, given["password"]))
    return client


def names(lines):
    return sorted(re.fullmatch(rb'\(([^)]*)\) "/" "(.*)"', line).group(2).decode() for line in lines)


def uid_of(client, name):
    """The UID of a letter in the open mailbox, found by its Message-ID."""
    message_id = re.search(rb"(?m)^Message-ID: (.*)\r$", mail[name]).group(1).decode()
    (found,) = ok(client.uid("SEARCH", "HEADER", "Message-ID", quoted(message_id)))
    assert len(found.split()) == 1, (name, found)
    return found.decode()


def bytes_of(client, uid):
    data = ok(client.uid("FETCH", uid, "(BODY.PEEK[])"))
    return data[0][1]


alice = log_in("alice@example.com")
user_folders = sorted(["INBOX", "Caught", "Training Requested", "Release", "Release &- Train", "Not Spam", "Spam"])
assert names(ok(alice.list())) == user_folders
assert names(ok(alice.lsub())) == user_folders
tell("alice lists her folders: " + ", ".join(user_folders))

status = ok(alice.status("Caught", "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)"))[0]
assert status.startswith(b'"Caught" (MESSAGES 6 UNSEEN 6 '), status
assert ok(alice.select("Caught")) == [b"6"]
for name in ("release", "releaseAndTrain", "notSpam", "unwanted", "infected", "invoice"):
    uid = uid_of(alice, name)
    assert bytes_of(alice, uid) == mail[name], name
tell("alice reads six messages, byte for byte")

alice.literal = "Müller".encode()
assert ok(alice.uid("SEARCH", "CHARSET", "UTF-8", "FROM")) == [uid_of(alice, "invoice").encode()]
assert ok(alice.uid("SEARCH", "SUBJECT", '"release"', "NOT", "BODY", '"learn"')) == [uid_of(alice, "release").encode()]
structure = ok(alice.uid("FETCH", uid_of(alice, "invoice"), "(BODYSTRUCTURE)"))
# imaplib takes answers apart where they hold a literal: the file name is no ASCII.
pieces = [piece for item in structure for piece in (item if isinstance(item, tuple) else (item,))]
assert b'"OCTET-STREAM"' in b"".join(pieces).upper() and "März.bin".encode() in pieces, structure
part = ok(alice.uid("FETCH", uid_of(alice, "invoice"), "(BODY.PEEK[1])"))[0][1]
assert part.decode() == "Die Rechnung über 100 € liegt bei.", part
tell("alice finds the invoice by its sender and reads its first part")

ok(alice.uid("MOVE", uid_of(alice, "release"), "Release"))
assert alice.response("EXPUNGE")[1] != [None]
assert ok(alice.uid("SEARCH", "SUBJECT", '"Please release me"')) == [b""]
tell("alice moves a message to Release")

uid = uid_of(alice, "releaseAndTrain")
ok(alice.uid("COPY", uid, quoted("Release &- Train")))
copied = alice.response("COPYUID")[1]
assert re.fullmatch(rb"[1-9]\d* %s [1-9]\d*" % uid.encode(), copied[-1]), copied
ok(alice.uid("STORE", uid, "+FLAGS", r"(\Deleted)"))
assert len(ok(alice.expunge())) == 1
# What a client does that lost its connection: the whole of it again.
ok(alice.uid("COPY", uid, quoted("Release &- Train")))
ok(alice.uid("STORE", uid, "+FLAGS", r"(\Deleted)"))
assert ok(alice.expunge()) == [None]
tell("alice copies one to Release & Train, deletes it, and does it all again")

ok(alice.uid("MOVE", uid_of(alice, "notSpam"), quoted("Not Spam")))
ok(alice.uid("STORE", uid_of(alice, "unwanted"), "+FLAGS.SILENT", r"(\Deleted)"))
ok(alice.close())
tell("alice teaches that one is no spam, and deletes one by closing the folder")

ok(alice.select("Caught"))
status, data = alice.uid("MOVE", uid_of(alice, "infected"), "Release")
assert status == "NO" and data[0].startswith(b"[NOPERM] Messages that were quarantined as virus"), (status, data)
status, data = alice.create("Drafts")
assert status == "NO" and data[0].startswith(b"[CANNOT] "), (status, data)
status, data = alice.append("Release", None, None, own_mail)
assert status == "NO" and data[0].startswith(b"[CANNOT] This message is not in the quarantine"), (status, data)
tell("alice is refused a virus, a new folder, and the release of mail from elsewhere: " + data[0].decode())

ok(alice.select(quoted("Training Requested")))
ok(alice.uid("MOVE", uid_of(alice, "unsure"), "Spam"))
assert ok(alice.select("Spam")) == [b"0"]
ok(alice.noop())
alice.logout()

domain = log_in("example.com", starttls=True)
assert "Caught (Outgoing)" in names(ok(domain.list()))
ok(domain.append("Spam", r"(\Seen)", imaplib.Time2Internaldate(1767600000), own_mail))
ok(domain.select(quoted("Caught (Outgoing)")))
status, data = domain.uid("MOVE", uid_of(domain, "outgoing"), "Release")
assert status == "NO" and data[0].startswith(b"[NOPERM] Outgoing mail"), (status, data)
ok(domain.select("Caught"))
assert uid_of(domain, "unwanted"), "what alice deleted is still there for her domain"
tell("the domain reports mail of its own as spam over STARTTLS, and may not release what it sent")
domain.logout()

administrator = log_in("global")
ok(administrator.select(quoted("Caught (Outgoing)")))
ok(administrator.uid("MOVE", uid_of(administrator, "outgoing"), "Release"))
tell("global releases it")
administrator.logout()
