"""The console: pages for a shop's people and the engineer on call, rendered here, over the operations of manage/."""
