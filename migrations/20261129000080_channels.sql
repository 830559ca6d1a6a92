-- Notices outside the page: channels, what is to be told, the messages that tell it, and reminders.

-- `secret` is sealed by the envelope: the password at a mail server, or the whole address of a webhook, which opens a
-- room to everybody who has it. `host` is what is shown of it.
create table channels (
  id uuid primary key,
  n bigint not null,
  kind text not null,
  name text not null,
  host text not null,
  port int,
  tls text,
  sender text,
  account text,
  secret bytea,
  -- What a room is told, and the only system that it is told of.
  topics text[] not null default '{}',
  system_id uuid references systems (id),
  span_seconds int not null,
  added_at timestamptz not null,
  paused_at timestamptz,
  removed_at timestamptz,
  last_error text,
  entry_id uuid not null references ledger_entries (id),
  constraint channels_entry_id_key unique (entry_id),
  constraint channels_kind_check check (
    (kind = 'email' and num_nulls(port, tls, sender) = 0)
    or (kind in ('slack', 'teams') and num_nonnulls(port, tls, sender, account) = 0)
  ),
  constraint channels_tls_check check (tls in ('starttls', 'implicit', 'plain')),
  -- A removed channel keeps no secret, and a room is nothing without its address.
  constraint channels_secret_check check (
    case when removed_at is not null then secret is null when kind = 'email' then true else secret is not null end
  )
);
create unique index channels_name_key on channels (lower(name)) where removed_at is null;
-- Every person gets mail from one server.
create unique index channels_email_key on channels (kind) where kind = 'email' and removed_at is null;

-- Topics that a person does not want by e-mail; what guards their account is never among them.
create table notice_preferences (
  person_id uuid primary key references people (id),
  muted text[] not null,
  changed_at timestamptz not null
);

-- What is to be told, left in the transaction of the act that causes it, and worked out into messages afterwards.
-- Without a person it is for those whose turn it is. `basis` makes what is told once one row.
create table notice_causes (
  id uuid primary key,
  topic text not null,
  person_id uuid references people (id),
  decision_id uuid references decisions (id),
  -- Name of the system, where it is about no decision.
  system text,
  basis text collate "C" not null,
  at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  worked_out_at timestamptz,
  constraint notice_causes_basis_key unique nulls not distinct (topic, basis, person_id)
);
create index notice_causes_due_idx on notice_causes (at) where worked_out_at is null;

-- One message to one person, or to a room. No text is stored: it is written when it is sent.
create table notice_messages (
  id uuid primary key,
  channel_id uuid not null references channels (id),
  person_id uuid references people (id),
  topic text not null,
  decision_id uuid references decisions (id),
  system text,
  -- The same twice is one message.
  same text collate "C" not null,
  at timestamptz not null,
  state text not null,
  tries bigint not null default 0,
  next_at timestamptz not null,
  -- Who sends it holds it until then, under a number that grows each time: an earlier holder settles nothing.
  held_until timestamptz,
  epoch bigint not null default 0,
  error text,
  settled_at timestamptz,
  constraint notice_messages_same_key unique (same),
  constraint notice_messages_state_check check (state in ('waiting', 'sent', 'dropped', 'dead')),
  constraint notice_messages_settled_check check ((state = 'waiting') = (settled_at is null))
);
create index notice_messages_due_idx on notice_messages (next_at) where state = 'waiting';
create index notice_messages_sent_idx on notice_messages (channel_id, person_id, settled_at) where state = 'sent';
create index notice_messages_dead_idx on notice_messages (at) where state = 'dead';

-- When people were reminded of a decision; the entry says so.
create table reminders (
  entry_id uuid primary key references ledger_entries (id),
  decision_id uuid not null references decisions (id),
  n bigint not null,
  share int not null,
  due_at timestamptz not null,
  invited_id uuid references people (id),
  reminded_at timestamptz not null,
  constraint reminders_n_key unique (decision_id, n)
);
create index reminders_invited_idx on reminders (invited_id, reminded_at) where invited_id is not null;

grant select, insert on channels, notice_preferences, notice_causes, notice_messages, reminders to countersign_app;
grant update (n, name, host, port, tls, sender, account, secret, topics, system_id, span_seconds, paused_at, removed_at, last_error)
  on channels to countersign_app;
grant update (muted, changed_at) on notice_preferences to countersign_app;
grant update (worked_out_at) on notice_causes to countersign_app;
grant update (state, tries, next_at, held_until, epoch, error, settled_at) on notice_messages to countersign_app;
grant delete on notice_causes, notice_messages to countersign_app;
