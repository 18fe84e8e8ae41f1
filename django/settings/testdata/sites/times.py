from datetime import timedelta
import datetime
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SESSION_TIMEOUT = datetime.timedelta(hours=1).seconds
DAYS = timedelta(days=1, hours=1).days
DELTA = timedelta(minutes=5) * 2 + timedelta(seconds=1)
