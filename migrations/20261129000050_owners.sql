-- Who answers for a system: every naming, numbered as the system's own history is. The reasons are in the vault.

create table system_owners (
  entry_id uuid primary key references ledger_entries (id),
  system_id uuid not null references systems (id),
  -- Number of the entry about the system.
  n bigint not null,
  -- Nobody, where an owner was taken away.
  person_id uuid references people (id),
  named_by uuid not null references people (id),
  named_at timestamptz not null,
  constraint system_owners_system_id_n_key unique (system_id, n)
);

-- The last word about each system that was ever given an owner.
create view current_owners as
select distinct on (o.system_id) o.system_id, o.person_id, o.named_at, o.entry_id
from system_owners o
order by o.system_id, o.n desc;

grant select, insert on system_owners to countersign_app;
grant select on current_owners to countersign_app;
