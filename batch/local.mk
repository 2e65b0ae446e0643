# batch: job scripts that a user copies or submits as they are.
