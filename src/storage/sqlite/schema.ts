// The first version of the schema and the steps that followed (migrations.ts). A message is one JSON document; the columns beside it are
// derived from it with each write (columns.ts) and exist only to be found by. Every index is there for one of the driver's queries:
// plans.test.ts asks SQLite.

export const firstSchema = `
-- Numbers that belong to the store as a whole. uid_validity: of every mailbox until its sequence has to start again.
CREATE TABLE store (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO store VALUES ('uid_validity', unixepoch());

-- One row per numbered sequence that was ever used: '' is that of global, the others are domains.
CREATE TABLE sequences (
  key TEXT PRIMARY KEY,
  last_ordinal INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  uid_base INTEGER NOT NULL,
  uid_validity INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Ordinal of the last message that arrived in a mailbox. login: '' is global, else a domain or an address.
CREATE TABLE mailboxes (
  login TEXT NOT NULL,
  view TEXT NOT NULL,
  last_ordinal INTEGER NOT NULL,
  PRIMARY KEY (login, view)
) STRICT, WITHOUT ROWID;

-- UIDs that a drop folder has handed out.
CREATE TABLE drops (
  login TEXT NOT NULL,
  mailbox TEXT NOT NULL,
  last_uid INTEGER NOT NULL,
  uid_validity INTEGER NOT NULL,
  PRIMARY KEY (login, mailbox)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: the chunks of a deleted content are removed later, so its number must not come back.
CREATE TABLE contents (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  digest TEXT NOT NULL UNIQUE,
  size_bytes INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  marked_at INTEGER,
  -- Messages that refer to it; kept by the triggers below.
  referrers INTEGER NOT NULL DEFAULT 0,
  reading_version INTEGER NOT NULL,
  reading TEXT NOT NULL
) STRICT;
CREATE INDEX contents_unmarked ON contents (last_used_at) WHERE referrers = 0 AND marked_at IS NULL;
CREATE INDEX contents_marked ON contents (marked_at) WHERE referrers = 0 AND marked_at IS NOT NULL;

CREATE TABLE chunks (
  content INTEGER NOT NULL,
  position INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (content, position)
) STRICT;
-- Contents that are deleted and whose chunks are still there.
CREATE TABLE discarded (content INTEGER PRIMARY KEY) STRICT;

CREATE TABLE messages (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  view TEXT NOT NULL,
  owner_domain TEXT NOT NULL,
  owner_address TEXT NOT NULL,
  digest TEXT NOT NULL,
  -- The digest again while the content is referred to, null for a tombstone.
  content TEXT REFERENCES contents (digest),
  likeness TEXT NOT NULL,
  first_recipient TEXT NOT NULL,
  searched TEXT NOT NULL,
  ordinal_domain INTEGER,
  modseq_domain INTEGER,
  ordinal_global INTEGER,
  modseq_global INTEGER,
  shown_user INTEGER NOT NULL,
  shown_domain INTEGER NOT NULL,
  shown_global INTEGER NOT NULL,
  seen_user INTEGER NOT NULL,
  seen_domain INTEGER NOT NULL,
  seen_global INTEGER NOT NULL,
  -- JSON lists of client flags and marks together, so that listing a mailbox opens no documents.
  flags_user TEXT NOT NULL,
  flags_domain TEXT NOT NULL,
  flags_global TEXT NOT NULL,
  internal_date INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  held INTEGER NOT NULL,
  held_since INTEGER NOT NULL,
  released INTEGER NOT NULL,
  due_at INTEGER,
  ended_at INTEGER,
  ordered_at INTEGER,
  document TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX messages_id ON messages (id);
-- A mailbox as SELECT, STATUS and FETCH want it; seen_* make counting and listing a scan of the index alone.
CREATE INDEX shown_to_user ON messages (owner_address, view, ordinal_domain, seen_user) WHERE shown_user = 1;
CREATE INDEX shown_to_domain ON messages (owner_domain, view, ordinal_domain, seen_domain) WHERE shown_domain = 1;
CREATE INDEX shown_to_global ON messages (view, ordinal_global, seen_global) WHERE shown_global = 1;
-- The change feed.
CREATE INDEX changed_for_user ON messages (owner_address, view, modseq_domain) WHERE modseq_domain IS NOT NULL;
CREATE INDEX changed_for_domain ON messages (owner_domain, view, modseq_domain) WHERE modseq_domain IS NOT NULL;
CREATE INDEX changed_for_global ON messages (view, modseq_global) WHERE modseq_global IS NOT NULL;
-- Search within a scope, newest first (an index ends with the row's number).
CREATE INDEX messages_digest ON messages (digest, owner_domain, owner_address);
CREATE INDEX messages_likeness ON messages (likeness, owner_domain, owner_address) WHERE likeness <> '';
CREATE INDEX messages_domain ON messages (owner_domain);
CREATE INDEX messages_address ON messages (owner_address);
-- Sweeps and workers.
CREATE INDEX messages_held ON messages (view, owner_domain, held_since) WHERE held = 1;
CREATE INDEX messages_ended ON messages (released, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX messages_due ON messages (due_at, owner_domain) WHERE due_at IS NOT NULL;
CREATE INDEX messages_due_ordered ON messages (ordered_at) WHERE due_at IS NOT NULL;
CREATE INDEX messages_ordered ON messages (ordered_at) WHERE ordered_at IS NOT NULL;
-- For the foreign key alone: deleting a content looks for messages that refer to it.
CREATE INDEX messages_content ON messages (content) WHERE content IS NOT NULL;

CREATE TRIGGER message_refers AFTER INSERT ON messages WHEN NEW.content IS NOT NULL BEGIN
  UPDATE contents SET referrers = referrers + 1, marked_at = NULL WHERE digest = NEW.content;
END;
CREATE TRIGGER message_refers_again AFTER UPDATE OF content ON messages
WHEN OLD.content IS NULL AND NEW.content IS NOT NULL BEGIN
  UPDATE contents SET referrers = referrers + 1, marked_at = NULL WHERE digest = NEW.content;
END;
CREATE TRIGGER message_refers_no_more AFTER UPDATE OF content ON messages
WHEN OLD.content IS NOT NULL AND NEW.content IS NULL BEGIN
  UPDATE contents SET referrers = referrers - 1 WHERE digest = OLD.content;
END;
CREATE TRIGGER message_deleted AFTER DELETE ON messages WHEN OLD.content IS NOT NULL BEGIN
  UPDATE contents SET referrers = referrers - 1 WHERE digest = OLD.content;
END;

-- Numbers that a message had in earlier holdings, and the last one of forgotten messages: open sessions are told that they are gone.
CREATE TABLE gone (
  sequence TEXT NOT NULL,
  view TEXT NOT NULL,
  owner_address TEXT NOT NULL,
  message TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  -- When the message was forgotten, null before.
  forgotten_at INTEGER,
  PRIMARY KEY (sequence, view, modseq, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX gone_for_user ON gone (sequence, owner_address, view, modseq);
CREATE INDEX gone_message ON gone (message);
CREATE INDEX gone_forgotten ON gone (forgotten_at) WHERE forgotten_at IS NOT NULL;

CREATE TABLE domains (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE domain_aliases (
  alias TEXT PRIMARY KEY,
  domain TEXT NOT NULL REFERENCES domains (name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX domain_aliases_domain ON domain_aliases (domain);
CREATE TABLE accounts (
  name TEXT PRIMARY KEY,
  password_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Version 2: what all processes together are working on. Filled in for the attempts that were under way when the store was upgraded. */
export const leases = `
ALTER TABLE messages ADD COLUMN leased_until INTEGER;
UPDATE messages SET leased_until = (
  SELECT max(job.value ->> '$.lease.until')
    FROM (SELECT document -> '$.delivery' AS value UNION ALL SELECT value FROM json_each(document, '$.report.targets')) AS job
   WHERE job.value ->> '$.state' = 'due'
) WHERE due_at IS NOT NULL;
CREATE INDEX messages_leased ON messages (leased_until) WHERE leased_until IS NOT NULL;
`;

/** Version 3: jobs that have not ended are listed also when they are parked, so that nobody may claim them. */
export const openJobs = `
ALTER TABLE messages ADD COLUMN open_jobs INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET open_jobs = 1 WHERE due_at IS NOT NULL;
DROP INDEX messages_due_ordered;
CREATE INDEX messages_open ON messages (ordered_at) WHERE open_jobs = 1;
`;

/** Version 4: the flags of a mailbox without a look at its messages, of which few have any. */
export const flaggedMessages = `
CREATE INDEX flagged_for_user ON messages (owner_address, view, flags_user, ordinal_domain)
  WHERE shown_user = 1 AND flags_user <> '[]';
CREATE INDEX flagged_for_domain ON messages (owner_domain, view, flags_domain, ordinal_domain)
  WHERE shown_domain = 1 AND flags_domain <> '[]';
CREATE INDEX flagged_for_global ON messages (view, flags_global, ordinal_global)
  WHERE shown_global = 1 AND flags_global <> '[]';
`;

/**
 * Version 5: what lists of messages are answered with stands apart from everything else that is known of a message, and the index of a
 * mailbox holds all that a list needs besides, so that a list reads neither documents nor readings (prepared.ts, packed.ts). What is stored
 * already is moved later, beside the server's work (older-readings.ts): `unprepared` is the highest number of a content not moved yet.
 */
export const preparedValues = `
CREATE TABLE prepared_structures (
  content INTEGER PRIMARY KEY REFERENCES contents (number) ON DELETE CASCADE,
  header_bytes INTEGER NOT NULL,
  packed BLOB NOT NULL
) STRICT;
CREATE TABLE prepared_headers (
  content INTEGER PRIMARY KEY REFERENCES contents (number) ON DELETE CASCADE,
  packed BLOB NOT NULL
) STRICT;
-- The number of the content that messages.content names.
ALTER TABLE messages ADD COLUMN content_number INTEGER;
INSERT INTO store SELECT 'unprepared', max(number) FROM contents HAVING max(number) IS NOT NULL;
DROP INDEX shown_to_user;
DROP INDEX shown_to_domain;
DROP INDEX shown_to_global;
CREATE INDEX shown_to_user ON messages
  (owner_address, view, ordinal_domain, seen_user, flags_user, content_number, size_bytes, internal_date) WHERE shown_user = 1;
CREATE INDEX shown_to_domain ON messages
  (owner_domain, view, ordinal_domain, seen_domain, flags_domain, content_number, size_bytes, internal_date) WHERE shown_domain = 1;
CREATE INDEX shown_to_global ON messages
  (view, ordinal_global, seen_global, flags_global, content_number, size_bytes, internal_date) WHERE shown_global = 1;
`;

/** Version 6: which logins have got the help in their INBOX. Those that are there already get it, too. */
export const greetedAccounts = `
ALTER TABLE accounts ADD COLUMN greeted_at INTEGER;
`;
