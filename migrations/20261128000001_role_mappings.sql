-- Which roles follow from what an identity provider says about people.

-- `mapping_n` counts the entries about the provider's mapping. `just_in_time` lets people in who are not members yet.
alter table identity_providers
  add column mapping_n bigint not null default 0,
  add column just_in_time boolean not null default false;
grant update (mapping_n, just_in_time) on identity_providers to countersign_app;

-- Every draft and every version that was in force. `rows` is RFC 8785 text whose digest the entry names.
create table role_mappings (
  id uuid primary key,
  provider_id uuid not null references identity_providers (id),
  rows text not null,
  saved_by uuid not null references people (id),
  saved_at timestamptz not null,
  activated_at timestamptz,
  superseded_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  constraint role_mappings_entry_id_key unique (entry_id)
);
-- One draft and one version in force per provider.
create unique index role_mappings_draft_key on role_mappings (provider_id)
  where activated_at is null and superseded_at is null;
create unique index role_mappings_active_key on role_mappings (provider_id)
  where activated_at is not null and superseded_at is null;

-- What a provider last said about a person; the words themselves are in the vault under `entry_id`.
create table person_snapshots (
  provider_id uuid not null references identity_providers (id),
  person_id uuid not null references people (id),
  mapping_id uuid references role_mappings (id),
  overage boolean not null,
  taken_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint person_snapshots_pkey primary key (provider_id, person_id)
);

grant select, insert on role_mappings, person_snapshots to countersign_app;
grant update (activated_at, superseded_at) on role_mappings to countersign_app;
grant update (mapping_id, overage, taken_at, entry_id) on person_snapshots to countersign_app;
