-- Seats of the table in force that the people there are cannot fill, since when and until when.

create table staff_shortages (
  entry_id uuid primary key references ledger_entries (id),
  policy_version_id uuid not null references policy_versions (id),
  rule int not null,
  label text not null,
  role text not null,
  need int not null,
  missing int not null,
  -- The system for which most are missing, and for how many any are.
  system_id uuid not null references systems (id),
  systems int not null,
  since_at timestamptz not null,
  ended_at timestamptz,
  ended_entry_id uuid references ledger_entries (id),
  constraint staff_shortages_role_check check (role in ('approver', 'senior_approver')),
  constraint staff_shortages_missing_check check (missing > 0),
  constraint staff_shortages_ended_check check (num_nulls(ended_at, ended_entry_id) in (0, 2))
);
-- A seat is short once at a time.
create unique index staff_shortages_open_key on staff_shortages (policy_version_id, rule, role) where ended_at is null;

grant select, insert on staff_shortages to countersign_app;
grant update (ended_at, ended_entry_id) on staff_shortages to countersign_app;
