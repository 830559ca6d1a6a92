-- Pauses of systems: what a paused system proposes is rejected at once, and no approval is told to it.

-- Named by the entry that paused. The reasons are in the vault, under the two entries.
create table pauses (
  entry_id uuid primary key references ledger_entries (id),
  system_id uuid not null references systems (id),
  paused_by uuid not null references people (id),
  paused_at timestamptz not null,
  resumed_by uuid references people (id),
  resumed_at timestamptz,
  resumed_entry_id uuid references ledger_entries (id),
  constraint pauses_resumed_entry_id_key unique (resumed_entry_id),
  constraint pauses_resumed_check check (num_nulls(resumed_by, resumed_at, resumed_entry_id) in (0, 3))
);
-- A system is paused once at a time.
create unique index pauses_running_key on pauses (system_id) where resumed_at is null;

-- What a pause decided, beside what a rule did.
alter table resolutions
  drop constraint resolutions_cause_check,
  add constraint resolutions_cause_check check (cause in ('rule', 'pause', 'requester'));

-- Resolved and not told: few at any time, and counted before a pause begins or ends.
create index decisions_untold_idx on decisions (system_id) where state = 'resolved';

-- Name of the system that a notice is about: the frame around pages shows notices, and reads no system.
alter table notices add column about_system text;

grant select, insert on pauses to countersign_app;
grant update (resumed_by, resumed_at, resumed_entry_id) on pauses to countersign_app;
