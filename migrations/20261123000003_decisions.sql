-- Decision types, policies, and decisions from proposal to outcome.

create table decision_types (
  id uuid primary key,
  name text collate "C" not null,
  version int not null,
  definition text not null,
  digest bytea not null,
  defined_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint decision_types_name_version_key unique (name, version),
  constraint decision_types_entry_id_key unique (entry_id)
);

create table policies (
  id uuid primary key,
  n bigint not null
);

create table policy_versions (
  id uuid primary key,
  policy_id uuid not null references policies (id),
  number int not null,
  body text not null,
  digest bytea not null,
  activated_at timestamptz not null,
  superseded_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  constraint policy_versions_number_key unique (policy_id, number),
  constraint policy_versions_entry_id_key unique (entry_id)
);
create unique index policy_versions_active_key on policy_versions (policy_id) where superseded_at is null;

create table decisions (
  id uuid primary key,
  n bigint not null,
  system_id uuid not null references systems (id),
  agent_key_id uuid not null references agent_keys (id),
  type_id uuid not null references decision_types (id),
  state text not null,
  risk text not null,
  round int not null,
  revision int not null,
  content_hash bytea not null,
  same_content bytea not null,
  second_act boolean not null,
  policy_version_id uuid not null references policy_versions (id),
  rule int not null,
  need int not null,
  due_at timestamptz not null,
  on_timeout text not null,
  external_id text collate "C",
  conversation text collate "C",
  source_name text collate "C",
  source_n bigint,
  proposed_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint decisions_entry_id_key unique (entry_id),
  constraint decisions_state_check check (state in ('received', 'queued', 'in_review', 'resolved', 'released', 'closed')),
  constraint decisions_risk_check check (risk in ('low', 'medium', 'high'))
);
create index decisions_open_idx on decisions (due_at, id) where state in ('received', 'queued', 'in_review');
create index decisions_same_open_idx on decisions (system_id, same_content) where state in ('received', 'queued', 'in_review');
-- Two equal proposals at once are one decision, unless the agent says that it means a second act.
create unique index decisions_same_open_key on decisions (system_id, same_content)
  where state in ('received', 'queued', 'in_review') and not second_act;
create index decisions_system_idx on decisions (system_id, proposed_at);

create table revisions (
  id uuid primary key,
  decision_id uuid not null references decisions (id),
  number int not null,
  content_hash bytea not null references statements (digest),
  entry_id uuid not null references ledger_entries (id),
  constraint revisions_number_key unique (decision_id, number),
  constraint revisions_entry_id_key unique (entry_id)
);

-- What was sent to one screen, once; its id is the review form's single-use key.
create table presentations (
  id uuid primary key,
  decision_id uuid not null references decisions (id),
  person_id uuid not null references people (id),
  session_id uuid not null references sessions (id),
  seen bytea not null references statements (digest),
  content_hash bytea not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  consumed_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  constraint presentations_entry_id_key unique (entry_id)
);

create table reviews (
  id uuid primary key,
  decision_id uuid not null references decisions (id),
  round int not null,
  person_id uuid not null references people (id),
  verdict text not null,
  code text not null,
  state text not null,
  presentation_id uuid not null references presentations (id),
  reviewed_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint reviews_verdict_check check (verdict in ('approve', 'reject')),
  constraint reviews_state_check check (state in ('submitted', 'retracted', 'void')),
  constraint reviews_entry_id_key unique (entry_id)
);
-- Last wall: one human, one counted review per round.
create unique index reviews_decision_id_round_person_id_key on reviews (decision_id, round, person_id) where state = 'submitted';
create index reviews_person_idx on reviews (person_id, reviewed_at);

create table resolutions (
  id uuid primary key,
  decision_id uuid not null references decisions (id),
  outcome text not null,
  round int not null,
  reviews int not null,
  code text,
  resolved_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint resolutions_outcome_check check (outcome in ('approved', 'rejected', 'expired')),
  constraint resolutions_decision_id_key unique (decision_id),
  constraint resolutions_entry_id_key unique (entry_id)
);

create table releases (
  decision_id uuid primary key references decisions (id),
  released_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint releases_entry_id_key unique (entry_id)
);

create table outcomes (
  id uuid primary key,
  decision_id uuid not null references decisions (id),
  result text not null,
  effect text not null,
  reported_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint outcomes_result_check check (result in ('executed', 'failed', 'not_executed', 'compensated')),
  constraint outcomes_effect_check check (effect in ('none', 'partial', 'full', 'unknown')),
  constraint outcomes_entry_id_key unique (entry_id)
);
create index outcomes_decision_idx on outcomes (decision_id);

-- The first answer to each key of an agent's write, so that a repeat gets the same one.
create table idempotency_keys (
  system_id uuid not null references systems (id),
  route text not null,
  key text collate "C" not null,
  fingerprint bytea not null,
  status int not null,
  answer text not null,
  created_at timestamptz not null,
  constraint idempotency_keys_pkey primary key (system_id, route, key)
);

grant select, insert on decision_types, policies, policy_versions, decisions, revisions, presentations, reviews, resolutions,
  releases, outcomes, idempotency_keys to countersign_app;
grant update (n) on policies to countersign_app;
grant update (superseded_at) on policy_versions to countersign_app;
grant update (n, state, round, revision, content_hash, need, due_at) on decisions to countersign_app;
grant update (consumed_at) on presentations to countersign_app;
grant update (state) on reviews to countersign_app;
