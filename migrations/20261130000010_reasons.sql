-- What a ruling says why follows the risk: approving what does little harm asks for nothing.
alter table reviews
  alter column code drop not null,
  add column reasoned boolean not null default true,
  add constraint reviews_code_check check (code is not null or verdict in ('approve', 'abstain', 'defer')),
  add constraint reviews_reasoned_check check (reasoned or verdict in ('approve', 'abstain', 'defer'));
alter table reviews alter column reasoned drop default;
alter table review_signings alter column code drop not null;
