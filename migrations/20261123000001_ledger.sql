-- The ledger: entries as they were hashed, the trees over them, statements named by digest, and the vault.
-- Roles and databases are made outside migrations; the grants below name them.

create table ledger_logs (
  id smallint primary key,
  origin text not null,
  vkey text not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  size bigint not null default 0,
  root bytea not null,
  signed_size bigint not null default 0,
  note text,
  epoch bigint not null default 0,
  holder uuid,
  lease_until timestamptz,
  constraint ledger_logs_origin_key unique (origin),
  constraint ledger_logs_signed_check check (signed_size <= size)
);
create unique index ledger_logs_one_open_key on ledger_logs ((true)) where closed_at is null;

create table ledger_entries (
  id uuid primary key,
  seq bigint generated always as identity,
  bytes bytea not null,
  leaf_hash bytea not null,
  recorded_at timestamptz not null default clock_timestamp(),
  log_id smallint references ledger_logs (id),
  idx bigint,
  constraint ledger_entries_size_check check (octet_length(bytes) between 2 and 4096),
  constraint ledger_entries_hash_check check (leaf_hash = sha256('\x00'::bytea || bytes)),
  constraint ledger_entries_place_check check ((log_id is null) = (idx is null))
);
-- Partial, so that giving an entry its place takes no key-strength row lock.
create unique index ledger_entries_place_key on ledger_entries (log_id, idx) where idx is not null;
create index ledger_entries_pending_idx on ledger_entries (seq) where idx is null;
alter table ledger_entries set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- Full tiles only; partial ones are computed from entries and tiles below.
create table ledger_tiles (
  log_id smallint not null references ledger_logs (id),
  level smallint not null,
  n bigint not null,
  hashes bytea not null,
  root bytea not null,
  constraint ledger_tiles_pkey primary key (log_id, level, n),
  constraint ledger_tiles_full_check check (octet_length(hashes) = 8192)
);
alter table ledger_tiles alter column hashes set storage external;

create table ledger_checkpoints (
  log_id smallint not null references ledger_logs (id),
  size bigint not null,
  note text not null,
  epoch bigint not null,
  published_at timestamptz not null,
  constraint ledger_checkpoints_pkey primary key (log_id, size)
);

create table ledger_holders (
  id uuid primary key,
  kind text not null,
  log_id smallint not null references ledger_logs (id),
  size bigint not null,
  held_at timestamptz not null
);
create index ledger_holders_size_idx on ledger_holders (log_id, size);

-- For screens; filled after sealing and rebuildable from the entries' bytes.
create table ledger_index (
  log_id smallint not null references ledger_logs (id),
  idx bigint not null,
  kind text collate "C" not null,
  object_type text collate "C",
  object_id uuid,
  sid uuid,
  at timestamptz not null,
  constraint ledger_index_pkey primary key (log_id, idx)
);
create index ledger_index_object_idx on ledger_index (object_id, idx) where object_id is not null;

create table statements (
  digest bytea primary key,
  label text not null,
  body bytea,
  constraint statements_digest_check check (octet_length(digest) = 32)
);

create table vault_subjects (
  id uuid primary key,
  lookup bytea,
  wrapped_key bytea,
  kek_epoch int,
  shredded_at timestamptz,
  constraint vault_subjects_lookup_key unique (lookup)
);

create table vault_values (
  id uuid primary key,
  entry_id uuid not null references ledger_entries (id),
  field text collate "C" not null,
  subject_id uuid not null references vault_subjects (id),
  commitment bytea not null,
  wrapped_key bytea,
  ciphertext bytea,
  retention_class text not null,
  shredded_by uuid references ledger_entries (id),
  constraint vault_values_field_key unique (entry_id, field)
);
alter table vault_values alter column ciphertext set storage external;
create index vault_values_subject_idx on vault_values (subject_id);

create table vault_mentions (
  value_id uuid not null references vault_values (id),
  subject_id uuid not null references vault_subjects (id),
  constraint vault_mentions_pkey primary key (value_id, subject_id)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are never changed or deleted once sealed', tg_table_name
    using errcode = 'integrity_constraint_violation';
end
$$;

create trigger ledger_entries_guard before update or delete on ledger_entries
  for each row when (old.idx is not null) execute function refuse_change();
create trigger ledger_entries_truncate_guard before truncate on ledger_entries
  for each statement execute function refuse_change();
create trigger ledger_tiles_guard before update or delete on ledger_tiles
  for each row execute function refuse_change();
create trigger ledger_tiles_truncate_guard before truncate on ledger_tiles
  for each statement execute function refuse_change();
create trigger ledger_checkpoints_guard before update on ledger_checkpoints
  for each row execute function refuse_change();

grant usage on schema public to countersign_app, countersign_sequencer;

grant select on ledger_logs, ledger_tiles, ledger_checkpoints to countersign_app;
grant select, insert on ledger_entries, statements, ledger_index, ledger_holders to countersign_app;
grant select, insert on vault_subjects, vault_values, vault_mentions to countersign_app;

grant select, insert, update on ledger_logs to countersign_sequencer;
grant select, insert on ledger_entries, ledger_tiles, ledger_checkpoints to countersign_sequencer;
grant update (log_id, idx) on ledger_entries to countersign_sequencer;
grant delete on ledger_checkpoints to countersign_sequencer;
