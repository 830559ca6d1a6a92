-- Claims on the seats of a decision: who reviews it, and until when.

create table leases (
  id uuid primary key,
  decision_id uuid not null references decisions (id),
  round int not null,
  person_id uuid not null references people (id),
  -- The sign-in that took it; with its end it ends too.
  session_id uuid not null references sessions (id),
  n bigint not null,
  taken_at timestamptz not null,
  -- When it was to end as its entry says, and when it ends by the last sign of life of its page.
  promised_until timestamptz not null,
  until_at timestamptz not null,
  -- The entries of claims that had run out when this one was taken.
  lapsed uuid[] not null default '{}',
  entry_id uuid not null references ledger_entries (id),
  ended_at timestamptz,
  cause text,
  -- By whom, where an entry of its own says so, and that entry.
  ended_by uuid references people (id),
  ended_n bigint,
  ended_entry_id uuid references ledger_entries (id),
  constraint leases_entry_id_key unique (entry_id),
  constraint leases_ended_entry_id_key unique (ended_entry_id),
  constraint leases_cause_check check (cause in
    ('released', 'taken_over', 'lapsed', 'moved', 'reviewed', 'resolved', 'revised', 'returned', 'rerouted')),
  constraint leases_ended_check check ((ended_at is null) = (cause is null)),
  constraint leases_sealed_check check (num_nulls(ended_by, ended_n, ended_entry_id) in (0, 3)
    and (coalesce(cause in ('released', 'taken_over'), false) = (ended_entry_id is not null)))
);
-- Last wall: one person holds one seat of a decision at most.
create unique index leases_decision_id_person_id_key on leases (decision_id, person_id) where ended_at is null;
create index leases_decision_idx on leases (decision_id);

-- Claims that nothing has ended but, perhaps, their time: by an act, with their sign-in, or with the role to review.
create view held_leases as
select l.id, l.decision_id, l.person_id, l.session_id, l.taken_at, l.until_at, l.entry_id
from leases l
join sessions s on s.id = l.session_id
join people p on p.id = l.person_id
where l.ended_at is null and s.ended_at is null and p.disabled_at is null
  and exists (select from role_assignments a
    where a.person_id = l.person_id and a.ended_at is null and a.role in ('approver', 'senior_approver'));

grant select, insert on leases to countersign_app;
grant update (until_at, ended_at, cause, ended_by, ended_n, ended_entry_id) on leases to countersign_app;
grant select on held_leases to countersign_app;
-- A sign of life of the page keeps its form open too.
grant update (expires_at) on presentations to countersign_app;
