-- Ways to what seldom becomes of events. Most make an invitation, and are found among the newest without these.

CREATE INDEX dispositions_code ON dispositions (code, event_id) WHERE code <> 'invited';
CREATE INDEX events_disposition ON events (disposition) WHERE disposition IS NOT NULL;
