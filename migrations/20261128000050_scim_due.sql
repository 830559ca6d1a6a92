-- People for whom something follows from a push that was too large to be worked out inside it. Each row goes in the
-- transaction that gives and takes what follows; those who may lose something come first.
create table scim_due (
  provider_id uuid not null references identity_providers (id),
  person_id uuid not null references people (id),
  loses boolean not null,
  due_at timestamptz not null,
  constraint scim_due_pkey primary key (provider_id, person_id)
);
create index scim_due_order_idx on scim_due (loses desc, due_at, provider_id, person_id);

grant select, insert, delete on scim_due to countersign_app;
grant update (loses) on scim_due to countersign_app;
