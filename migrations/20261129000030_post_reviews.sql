-- What a rule refused and a person released, and what another person looks at afterwards.

-- The resolution that refused keeps its row and its entry; this says that it stands no more. The reasons are in the vault,
-- under the entries.
create table overrides (
  decision_id uuid primary key references decisions (id),
  overridden_by uuid not null references people (id),
  code text not null,
  overridden_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  -- The entry of the resolution that approves.
  resolved_entry_id uuid not null references ledger_entries (id),
  -- When the agent read it.
  told_at timestamptz,
  told_entry_id uuid references ledger_entries (id),
  constraint overrides_entry_id_key unique (entry_id),
  constraint overrides_resolved_entry_id_key unique (resolved_entry_id),
  constraint overrides_told_check check (num_nulls(told_at, told_entry_id) in (0, 2))
);

-- An act is named by its entry, and so is the look at it.
create table post_reviews (
  act_entry_id uuid primary key references ledger_entries (id),
  kind text not null,
  -- Who acted, and on what; an emergency sign-in is about no decision.
  acted_by uuid not null references people (id),
  decision_id uuid references decisions (id),
  acted_at timestamptz not null,
  due_at timestamptz not null,
  given_by uuid references people (id),
  result text,
  given_at timestamptz,
  entry_id uuid references ledger_entries (id),
  constraint post_reviews_kind_check check (kind in ('override', 'revocation', 'break_glass')),
  constraint post_reviews_decision_check check ((decision_id is null) = (kind = 'break_glass')),
  constraint post_reviews_result_check check (result in ('upheld', 'not_upheld')),
  constraint post_reviews_given_check check (num_nulls(given_by, result, given_at, entry_id) in (0, 4)),
  constraint post_reviews_entry_id_key unique (entry_id)
);
create index post_reviews_waiting_idx on post_reviews (due_at) where entry_id is null;
create index post_reviews_acted_by_idx on post_reviews (acted_by, due_at) where entry_id is null;
create index post_reviews_decision_id_idx on post_reviews (decision_id);

grant select, insert on overrides, post_reviews to countersign_app;
grant update (told_at, told_entry_id) on overrides to countersign_app;
grant update (given_by, result, given_at, entry_id) on post_reviews to countersign_app;
