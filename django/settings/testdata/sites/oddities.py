# What is not ours, or not understood, does not disturb.
import logging, re
from django.utils.translation import gettext_lazy as _
from typing import List

class Config:
    NAME = 'x'
    def method(self):
        return 1

def helper(name, default=None):
    global COUNTER
    COUNTER = 1
    for x in range(3):
        yield x

async def other(): pass

@property
def decorated(self):
    return {'SESSION_ENGINE': 1}

LANGUAGES = [('en', _('English')), ('cs', _('Czech'))]
PATTERN = re.compile(r'^/x/(?P<y>\d+)$')
LOGGING = {'version': 1, 'handlers': {'h': {'class': 'logging.StreamHandler', 'level': logging.INFO}}}
logging.getLogger(__name__).debug('reading %s', __file__)
SORTED = sorted([3, 1, 2], key=lambda n: -n)
match = 'a name'
match LANGUAGES:
    case []:
        FIRST = None
    case _:
        FIRST = 1
with open(__file__) as f:
    LINE = f.readline().strip()
    SESSION_COOKIE_NAME = LINE[:1].replace('#', 'hash')
type = 'also a name'; print(end='')
X = {'a': 1,
     # a comment inside
     'b': [2,
           3],
}
if True: SESSION_COOKIE_AGE = 1; SESSION_COOKIE_PATH = '/p'
else: SESSION_COOKIE_AGE = 2
Y = 1 + \
    2
	
SESSION_ENGINE = ('django.contrib.sessions'
                  '.backends.db')
