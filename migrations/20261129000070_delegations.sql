-- Reviewing in somebody's place, for a time and in a scope; and when people are away.

create table delegations (
  id uuid primary key,
  delegator_id uuid not null references people (id),
  delegate_id uuid not null references people (id),
  -- No list and no limit means no other bound than the delegator's own.
  systems uuid[],
  types text[],
  risk_max text,
  amount_max bigint,
  from_at timestamptz not null,
  until_at timestamptz not null,
  given_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  -- Ended before its time, by one of the two.
  ended_at timestamptz,
  ended_by uuid references people (id),
  ended_entry_id uuid references ledger_entries (id),
  constraint delegations_entry_id_key unique (entry_id),
  constraint delegations_ended_entry_id_key unique (ended_entry_id),
  constraint delegations_two_people_check check (delegator_id <> delegate_id),
  constraint delegations_period_check check (from_at < until_at),
  constraint delegations_systems_check check (cardinality(systems) > 0),
  constraint delegations_types_check check (cardinality(types) > 0),
  constraint delegations_risk_max_check check (risk_max in ('low', 'medium', 'high')),
  constraint delegations_ended_check check (num_nulls(ended_at, ended_by, ended_entry_id) in (0, 3)),
  constraint delegations_ended_by_check check (ended_by in (delegator_id, delegate_id))
);
create index delegations_delegator_idx on delegations (delegator_id, given_at);
create index delegations_delegate_idx on delegations (delegate_id, given_at);

create table absences (
  id uuid primary key,
  person_id uuid not null references people (id),
  from_at timestamptz not null,
  until_at timestamptz not null,
  -- The delegation that applies meanwhile, where one does.
  delegation_id uuid references delegations (id),
  set_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  -- Taken back, or another one took its place: then the entry is that one's.
  cleared_at timestamptz,
  cleared_entry_id uuid references ledger_entries (id),
  constraint absences_entry_id_key unique (entry_id),
  constraint absences_cleared_entry_id_key unique (cleared_entry_id),
  constraint absences_period_check check (from_at < until_at),
  constraint absences_cleared_check check (num_nulls(cleared_at, cleared_entry_id) in (0, 2))
);
-- One at a time; one that is over stays until the next.
create unique index absences_person_id_key on absences (person_id) where cleared_at is null;

alter table reviews
  -- In whose place it was given, and by which delegation.
  add column on_behalf_id uuid references people (id),
  add column delegation_id uuid references delegations (id),
  add constraint reviews_on_behalf_check check (num_nulls(on_behalf_id, delegation_id) in (0, 2)),
  add constraint reviews_two_people_check check (on_behalf_id <> person_id);
create index reviews_on_behalf_idx on reviews (on_behalf_id) where on_behalf_id is not null;
-- Last wall: nobody's place is taken twice in a round.
create unique index reviews_decision_id_round_on_behalf_id_key on reviews (decision_id, round, on_behalf_id)
  where state = 'submitted' and verdict in ('approve', 'approve_with_edits', 'reject');

-- Roles as people act by them: their own, and in whose place. What a delegation gives is what its delegator holds at this
-- moment and no more; it gives nothing while its delegator is disabled, an admin or an auditor, or while its delegate has
-- no role of their own that reviews.
create view acting_roles as
select a.person_id, a.role, a.systems, a.types, a.risk_max, a.amount_max, null::timestamptz as from_at, a.until,
  null::uuid as delegator_id, null::uuid as delegation_id
from role_assignments a
where a.ended_at is null
union all
select g.delegate_id, a.role,
  case when g.systems is null then a.systems when a.systems is null then g.systems
    else array(select unnest(g.systems) intersect select unnest(a.systems)) end,
  case when g.types is null then a.types when a.types is null then g.types
    else array(select unnest(g.types) intersect select unnest(a.types)) end,
  case when 'low' in (g.risk_max, a.risk_max) then 'low' when 'medium' in (g.risk_max, a.risk_max) then 'medium' end,
  least(g.amount_max, a.amount_max), g.from_at, least(g.until_at, a.until), g.delegator_id, g.id
from delegations g
join people p on p.id = g.delegator_id
join role_assignments a on a.person_id = g.delegator_id
where g.ended_at is null and p.disabled_at is null
  and a.ended_at is null and a.role in ('approver', 'senior_approver')
  and (g.systems is null or a.systems is null or g.systems && a.systems)
  and (g.types is null or a.types is null or g.types && a.types)
  and not exists (select from role_assignments x where x.person_id = g.delegator_id and x.ended_at is null
    and (x.role = 'auditor' or (x.role = 'admin' and not (select s.single_operator from safeguards s))))
  and exists (select from role_assignments x where x.person_id = g.delegate_id and x.ended_at is null
    and x.role in ('approver', 'senior_approver'));

-- Whether somebody may not have a part in the running round, themselves or by who acts in their place: they made the
-- agent's key, own its system, wrote what stands there, ruled or were ruled for, or somebody whom a delegation ties to them
-- at this moment has given a review that counts.
create function is_barred(decision uuid, person uuid, at timestamptz) returns boolean
language sql stable
as $$
  select exists (select from decisions d where d.id = decision and (
    exists (select from agent_keys k, safeguards s where k.id = d.agent_key_id and k.issued_by = person
      and not s.single_operator)
    or exists (select from current_owners o, safeguards s where o.system_id = d.system_id and o.person_id = person
      and not s.single_operator)
    or d.revision > 1 and exists (select from revisions v
      where v.decision_id = d.id and v.number = d.revision and v.person_id = person)
    or exists (select from reviews r where r.decision_id = d.id and r.round + 1 = d.round
      and r.verdict = 'approve_with_edits' and r.on_behalf_id = person)
    or exists (select from reviews r where r.decision_id = d.id and r.round = d.round and r.state = 'submitted'
      and r.verdict <> 'defer' and person in (r.person_id, r.on_behalf_id))
    or exists (select from reviews r, delegations g where r.decision_id = d.id and r.round = d.round
      and r.state = 'submitted' and r.verdict in ('approve', 'approve_with_edits', 'reject')
      and g.ended_at is null and g.from_at <= at and g.until_at > at
      and (g.systems is null or d.system_id = any(g.systems))
      and (g.delegator_id = person and g.delegate_id in (r.person_id, r.on_behalf_id)
        or g.delegate_id = person and g.delegator_id in (r.person_id, r.on_behalf_id)))
  ))
$$;

-- A claim is held while its holder has a role that reviews, and a role for the system of the decision by which they act,
-- their own or in whose place: so it ends with a delegation. It runs until the last of those is over, or until its holder
-- is away, at most.
create or replace view held_leases as
select l.id, l.decision_id, l.person_id, l.session_id, l.taken_at,
  least(l.until_at, r.until_at, (select a.from_at from absences a
    where a.person_id = l.person_id and a.cleared_at is null and a.until_at > l.taken_at)) as until_at,
  l.entry_id
from leases l
join sessions s on s.id = l.session_id
join people p on p.id = l.person_id
join decisions d on d.id = l.decision_id
cross join lateral (select max(coalesce(a.until, 'infinity')) as until_at from acting_roles a
  where a.person_id = l.person_id and a.role in ('approver', 'senior_approver')
    and (a.systems is null or d.system_id = any(a.systems))) r
where l.ended_at is null and s.ended_at is null and p.disabled_at is null and r.until_at is not null
  and exists (select from role_assignments a
    where a.person_id = l.person_id and a.ended_at is null and a.role in ('approver', 'senior_approver'));

-- In whose place the form of a page of several decisions rules on this one; a page of one decision asks for it.
alter table presentations add column on_behalf_id uuid references people (id);

grant select, insert on delegations, absences to countersign_app;
grant update (ended_at, ended_by, ended_entry_id) on delegations to countersign_app;
grant update (cleared_at, cleared_entry_id) on absences to countersign_app;
grant select on acting_roles to countersign_app;
