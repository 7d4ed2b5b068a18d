-- Ways into a large ledger for its lists: by where a delivery comes from and goes to, and by why it stands where it does.

CREATE INDEX deliveries_way ON deliveries (what, destination_id, source_id, id);
CREATE INDEX deliveries_reason ON deliveries (reason, id) WHERE reason <> 'accepted';
