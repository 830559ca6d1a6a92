-- Views of the queue: whose turn it is, asked of every open decision at once.

alter table decisions
  -- The seat that is free now takes a senior approver; null until it was worked out.
  add column senior_only boolean;
create index decisions_unseated_idx on decisions (id)
  where senior_only is null and state in ('received', 'queued', 'in_review');
grant update (senior_only) on decisions to countersign_app;
