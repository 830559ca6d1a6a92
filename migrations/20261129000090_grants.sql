-- Grants: what one person asked for and another one allowed a system to do a few times without being asked again.

-- The ranges of the parameters and the reasons are in the vault, under the entries.
create table grants (
  id uuid primary key,
  -- Number of the last entry about it.
  n bigint not null,
  state text not null,
  system_id uuid not null references systems (id),
  type_id uuid not null references decision_types (id),
  uses int not null,
  used int not null default 0,
  seconds bigint not null,
  -- The highest amount that it covers, where the type has an amount.
  amount_max bigint,
  requested_by uuid not null references people (id),
  requested_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  -- Who activated or refused it.
  judged_by uuid references people (id),
  judged_at timestamptz,
  judged_entry_id uuid references ledger_entries (id),
  ends_at timestamptz,
  -- How it ended after it was active; nobody where time or the last use did.
  ended_by uuid references people (id),
  ended_at timestamptz,
  ended_entry_id uuid references ledger_entries (id),
  constraint grants_state_check check (state in ('requested', 'active', 'refused', 'exhausted', 'expired', 'revoked')),
  constraint grants_uses_check check (uses between 1 and 500),
  -- N uses are never N + 1, whatever code asks.
  constraint grants_used_check check (used between 0 and uses),
  constraint grants_seconds_check check (seconds between 3600 and 604800),
  constraint grants_judged_check check (
    num_nulls(judged_by, judged_at, judged_entry_id) = case when state = 'requested' then 3 else 0 end),
  constraint grants_ends_at_check check ((ends_at is null) = (state in ('requested', 'refused'))),
  constraint grants_ended_check check (
    num_nulls(ended_at, ended_entry_id) = case when state in ('exhausted', 'expired', 'revoked') then 0 else 2 end),
  constraint grants_ended_by_check check ((ended_by is not null) = (state = 'revoked')),
  constraint grants_exhausted_check check (state <> 'exhausted' or used = uses),
  constraint grants_entry_id_key unique (entry_id),
  constraint grants_judged_entry_id_key unique (judged_entry_id),
  constraint grants_ended_entry_id_key unique (ended_entry_id)
);
create index grants_system_id_type_id_idx on grants (system_id, type_id, judged_at desc) where ends_at is not null;
create index grants_active_idx on grants (ends_at) where state = 'active';
create index grants_list_idx on grants (requested_at desc, id desc);

-- What each use approved, numbered from 1.
create table grant_uses (
  decision_id uuid primary key references decisions (id),
  grant_id uuid not null references grants (id),
  number int not null,
  used_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint grant_uses_number_key unique (grant_id, number),
  constraint grant_uses_entry_id_key unique (entry_id)
);

-- Why a grant for its system and type did not approve a decision when it was proposed.
create table grant_misses (
  decision_id uuid not null references decisions (id),
  grant_id uuid not null references grants (id),
  why text not null,
  constraint grant_misses_pkey primary key (decision_id, grant_id),
  constraint grant_misses_why_check check (
    why in ('outside', 'guarded', 'stricter', 'authority', 'exhausted', 'expired', 'revoked'))
);

-- What a grant decided, beside what a rule or a pause did.
alter table resolutions
  drop constraint resolutions_cause_check,
  add constraint resolutions_cause_check check (cause in ('rule', 'pause', 'requester', 'grant'));

-- Once a grant is answered, who could have answered it is told of it no more.
create index notices_entry_id_idx on notices (entry_id) where read_at is null;

grant select, insert on grants, grant_uses, grant_misses to countersign_app;
grant update (n, state, used, judged_by, judged_at, judged_entry_id, ends_at, ended_by, ended_at, ended_entry_id)
  on grants to countersign_app;
