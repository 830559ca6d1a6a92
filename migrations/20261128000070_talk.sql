-- What people say to each other: comments on decisions, and notes for the next shift. The texts are in the vault.

-- Named by the entry. Comments are written once; nothing about their decision changes but the count of its acts.
create table comments (
  entry_id uuid primary key references ledger_entries (id),
  decision_id uuid not null references decisions (id),
  n bigint not null,
  author_id uuid not null references people (id),
  -- Of the form that sent it, so that a form that is sent twice is one comment.
  nonce uuid not null,
  mentions uuid[] not null default '{}',
  asks_id uuid references people (id),
  answers_entry_id uuid references comments (entry_id),
  commented_at timestamptz not null,
  constraint comments_n_key unique (decision_id, n),
  -- A question is answered once.
  constraint comments_answers_entry_id_key unique (answers_entry_id),
  constraint comments_asks_check check (asks_id <> author_id)
);
create index comments_author_idx on comments (author_id, commented_at);

create table handovers (
  id uuid primary key,
  -- The system that it is about; all of them without.
  system_id uuid references systems (id),
  author_id uuid not null references people (id),
  nonce uuid not null,
  noted_at timestamptz not null,
  until_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  ended_by uuid references people (id),
  ended_at timestamptz,
  ended_entry_id uuid references ledger_entries (id),
  constraint handovers_entry_id_key unique (entry_id),
  constraint handovers_ended_entry_id_key unique (ended_entry_id),
  constraint handovers_dates_check check (noted_at < until_at),
  constraint handovers_ended_check check (num_nulls(ended_by, ended_at, ended_entry_id) in (0, 3))
);
create index handovers_running_idx on handovers (until_at) where ended_at is null;
create index handovers_author_idx on handovers (author_id, noted_at);

-- Who put a note away from their own queue.
create table handover_reads (
  handover_id uuid not null references handovers (id),
  person_id uuid not null references people (id),
  read_at timestamptz not null,
  constraint handover_reads_pkey primary key (handover_id, person_id)
);

-- The decision that a notice leads to.
alter table notices add column about_decision_id uuid references decisions (id);

grant select, insert on comments, handovers, handover_reads to countersign_app;
grant update (ended_by, ended_at, ended_entry_id) on handovers to countersign_app;
