"""Several Plaudit processes on three NATS servers and one PostgreSQL, while each of them in turn goes away."""

import os

THOROUGH = int(os.environ.get("PLAUDIT_THOROUGH", "1"))  # how often each trouble comes
