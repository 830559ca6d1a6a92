-- Approvals that were taken back.

-- The resolution that approved keeps its row and its entry; this says that it stands no more. The reasons are in the
-- vault, under the entries.
create table revocations (
  decision_id uuid primary key references decisions (id),
  revoked_by uuid not null references people (id),
  code text not null,
  revoked_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  -- The entry of the resolution that says so.
  resolved_entry_id uuid not null references ledger_entries (id),
  -- When the agent read it.
  told_at timestamptz,
  told_entry_id uuid references ledger_entries (id),
  -- Whether what the action did was made good; nothing where it did nothing.
  compensation text,
  compensated_by uuid references people (id),
  compensated_at timestamptz,
  compensated_entry_id uuid references ledger_entries (id),
  constraint revocations_entry_id_key unique (entry_id),
  constraint revocations_resolved_entry_id_key unique (resolved_entry_id),
  constraint revocations_compensated_entry_id_key unique (compensated_entry_id),
  constraint revocations_told_check check (num_nulls(told_at, told_entry_id) in (0, 2)),
  constraint revocations_compensation_check check (compensation in ('open', 'done', 'not_possible')),
  constraint revocations_compensated_check check (
    num_nulls(compensated_by, compensated_at, compensated_entry_id)
      = case when compensation in ('done', 'not_possible') then 0 else 3 end)
);
create index revocations_open_idx on revocations (revoked_at) where compensation = 'open';

grant select, insert on revocations to countersign_app;
grant update (told_at, told_entry_id, compensation, compensated_by, compensated_at, compensated_entry_id)
  on revocations to countersign_app;
