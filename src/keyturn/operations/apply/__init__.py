"""Apply a plan so that the next run can repair a failure at any point.

The API has no idempotency key, no ETag and no list of deleted objects, and it returns no secret. One
apply makes up for that with this procedure:

1. Lock. ``session`` acquires the lock of the workspace. The lease is checked before each write.
2. Resolve open intents: writes of an interrupted run without an outcome in the journal. An open create
   is looked up by exact name and creation time. Any other open write marks its state entry as
   uncertain, so the new plan writes the object again (``operations.plan.recovery``).
3. Plan and ask. A blocked or rejected plan ends the run without a write.
4. Execute. ``executor`` runs changes in parallel, each after the changes it depends on. One change
   (``writes``, ``lifecycle``, ``rotate``) re-reads the object and compares it with the plan; writes the
   intent to the write-ahead journal; sends the request; reads the object back and compares; tests the
   connection; records the outcome with the new state entry.
5. Finish. Retire replaced objects, compact the journal into the state, release the lock.

Failures:

- Not applied (429, no connection): the client retries within its budget. Other 4xx: the change fails.
- Unknown (timeout, reset, 5xx, broken body): PUT, DELETE and restore are sent again. POST is sent again
  only if repeated look-ups find nothing. An outcome that stays unknown leaves the intent open.
- The object differs from the plan: the change is stale and sends nothing.
- A test fails: the new secret is not used, or the previous one is restored from git (``rollback``).
- A change that is not done blocks only the changes that depend on it.
- 401, lost lock, deadline, interrupt, open circuit breaker: no further request starts.
- The journal cannot be written: nothing is sent.
- The process is killed: the next run starts with step 2.
"""
