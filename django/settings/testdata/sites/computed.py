# Whatever an expression can be.
A, B = 1, 2
(C, D), *E = (3, 4), 5, 6
F = G = [A, B]
F += [C]
H: int = 10 ** 3 % 7
I = 7 // 2 - -7 // 2 + 7 % -3
J = (1 < A + 1 <= 2) and not (B is None) or 'never'
K = A if A > 5 else (B if B > 5 else 'small')
L = [x * y for x in (1, 2, 3) for y in [10, 20] if x != 2 if y]
M = {k: v.upper() for k, v in {'a': 'x', 'b': 'y'}.items()}
N = {1, 2} | {3}
O = 'a' 'b' + 'c' * 3
P = '%s-%05.1f-%(x)s' if False else '%-5s|%5d|%x|%r|%%' % ('ab', 42, 255, "it's")
Q = '%(a)s/%(b)s' % {'a': 1, 'b': None}
R = '{} {} {x!r:>3} {{}}'.format(1, 'two', x=3) if False else '{} {} {x!r} {{}}'.format(1, 'two', x='3')
S = '{1}{0}'.format('a', 'b')
T = f'{A}{B!r}{"x" + "y"}{H:04d}{{}}' f"{3.14159:.2f}" rf'\{A}'
U = ('abc'[1], 'abc'[-1], 'abcdef'[1:4], [1, 2, 3][::-1], (1, 2, 3)[:-1])
V = 'host:11211;other:11211'.split(';')
W = ','.join(sorted(['b', 'a']))
X = [len(V), str(12), str(1.5), str(None), int(' 42 '), float('1.5'), bool([]), tuple([1]), list('ab'), abs(-3)]
Y = dict(a=1, **{'b': 2}), dict([('c', 3)]), dict({'d': 4}, d=5)
Z = {'a': 1, 'a': 2, **{'b': 3}}
AA = [*range(3), *(7, 8)]
AB = 1_000_000, 0xFF, 0b11, 0o17, 1e3, .5, 10.0, 1e16, 1e-7
AC = (1,) + (2, 3) * 2
AD = "a" in "cat", 3 not in [1, 2], 'x' in {'x': 1}
AE = 'Ab'.lower() + 'Ab'.upper() + ' s '.strip() + 'xxax'.lstrip('x') + 'a.b'.replace('.', '-')
AF = 'a.py'.endswith(('.py', '.pyc')), 'a.py'.startswith('b')
AG = b'bytes\x00' + b'more'
AH = """three
lines \
joined"""
AI = (lambda x: x)(3)
AJ = True + True, True == 1, 1 == 1.0, 'a' == u'a', [1] == (1,), None == 0
AK = 5 / 2, 4 / 2, 2 ** -1, 2 ** 62, -2 ** 2, ~5, 6 & 3, 6 | 3, 6 ^ 3, 1 << 4, 256 >> 4
AL = [i for i, _ in enumerate('abc')], list(zip([1, 2], 'ab')), list(reversed([1, 2]))
AM = isinstance('a', str), isinstance(True, int), isinstance(1, bool), isinstance([], (list)), callable
AN = (n := 10) + n
AO = 'a\tb\\c\'d"e\x41\u20ac\N{EURO SIGN}'
AP = 'tail'
AQ = ('a', ), (), [], {}, {'nested': {'deep': [({},)]}}
AR = max(1, 2) if A else None
AS = str(['a', 1, None, {'k': (1,)}]), repr("it's")
AT = "a,b;c".partition(';'), 'x y  z'.split(), 'l1\nl2'.splitlines()
AU = 1 if [] else 2 if {} else 3
AV = 5 if not A else [y for y in [x for x in range(4) if x % 2]]
del AP
assert A == 1, "no"
SESSION_COOKIE_AGE = sum([1, 2]) if not A else 60 * 2
