"""results.py: what was measured: every number in one file, the lines of the table in another."""

import os
import statistics

import programs


def say(text):
    print(text, flush=True)


def value_text(value, unit):
    if unit == 's':
        if value < 1e-3:
            return f'{value * 1e6:.1f} us'
        return f'{value * 1e3:.2f} ms' if value < 1 else f'{value:.2f} s'
    if unit == 'B/s':
        return f'{value / 1e9:.2f} GB/s'
    if unit.endswith('/s') and value >= 1e6:
        return f'{value / 1e6:.2f} M{unit}'
    if value >= 1e4:
        return f'{value:,.0f} {unit}'.strip()
    return f'{value:.4g} {unit}'.strip()


class Results:
    """Every measurement, and the lines of the table."""

    def __init__(self):
        self.raw = open(os.path.join(programs.OUT, 'results.tsv'), 'w')
        self.summary = open(os.path.join(programs.OUT, 'summary.tsv'), 'w')
        self.gathered = None
        print('row', 'what', 'who', 'unit', 'values', sep='\t', file=self.raw)
        names = 'row what value base ratio low high limit reached peers'
        print(*names.split(), sep='\t', file=self.summary)

    def keep(self, row, what, who, unit, values):
        print(row, what, who, unit, ' '.join(f'{v:.9g}' for v in values), sep='\t', file=self.raw)
        self.raw.flush()

    def line(
        self, row, what, value, ratio='', limit='', reached=None, peers='', base='', low='', high=''
    ):
        mark = '' if reached is None else 'OK' if reached else '—'
        spread = f'({low:.2f} to {high:.2f})' if ratio != '' else ''
        middle = f'{ratio:.2f} x {base}' if ratio != '' else ''
        shown = peers if isinstance(peers, str) else each_of(peers, '.2f')
        say(f'{what:44} {value:>14}  {middle:>12} {spread:16} {limit:>13} {mark:2}  {shown}')
        ratios = (f'{x:.4f}' if x != '' else '' for x in (ratio, low, high))
        print(row, what, value, base, *ratios, limit, mark, shown, sep='\t', file=self.summary)
        self.summary.flush()

    def compare(self, row, what, unit, values, base='bare', limit=None):
        """values: of each who was measured, one number a round. limit: ('<' or '>', x)."""
        for who, each in values.items():
            self.keep(row, what, who, unit, each)
        ratios = {who: ratios_of(each, values[base]) for who, each in values.items()
                  if base in values}
        value = value_text(statistics.median(values['nw0']), unit)
        if 'nw0' in ratios:
            low, ratio, high = quartiles(ratios['nw0'])
            peers = {who: statistics.median(each) for who, each in ratios.items() if who != base}
            wanted = f'{limit[0]} {limit[1]} x' if limit else ''
            reached = limit and fits(ratio, limit)
            self.line(row, what, value, ratio, wanted, reached, peers, base, low, high)
        else:
            self.line(row, what, value)
        self.beside_base(what, values)

    def figure(self, row, what, unit, values, limit=None, pick=statistics.median, peers=''):
        """Something without a counterpart: a limit is one of the value itself."""
        if self.gathered is not None:
            how = unit, limit, pick, peers
            kept = self.gathered.setdefault((row, what), (how, {}))[1]
            return kept.setdefault(programs.header.name, []).append(values)
        self.keep(row, what, 'nw0', unit, values)
        value = pick(values)
        wanted = f'{limit[0]} {value_text(limit[1], unit)}' if limit else ''
        reached = limit and fits(value, limit)
        self.line(row, what, value_text(value, unit), limit=wanted, reached=reached, peers=peers)

    def beside_base(self, what, values):
        """values: of nw0 and of base, one number a round. Says new/base, if there is a base."""
        if 'base' not in values or 'nw0' not in values:
            return
        low, ratio, high = quartiles(ratios_of(values['nw0'], values['base']))
        shown = f'{ratio:.3f} ({low:.3f} to {high:.3f})'
        say(f'{"    new/base":44} {shown}')
        ratios = f'{ratio:.4f}', f'{low:.4f}', f'{high:.4f}'
        print('base', what, '', 'base', *ratios, '', '', '', sep='\t', file=self.summary)
        self.summary.flush()

    def in_turn(self, row, rounds):
        """A row of figures, measured as a whole with the new header and with the base in turn."""
        self.gathered = {}
        try:
            for r in range(rounds):
                for name in ('nw0', 'base') if r % 2 == 0 else ('base', 'nw0'):
                    programs.header.name = name
                    row(self)
        finally:
            programs.header.name = 'nw0'
            gathered, self.gathered = self.gathered, None
            for (name, what), ((unit, limit, pick, peers), values) in gathered.items():
                if 'nw0' not in values:
                    continue
                self.figure(name, what, unit, sum(values['nw0'], []), limit, pick, peers)
                self.keep(name, what, 'base', unit, sum(values.get('base', []), []))
                self.beside_base(what, {who: [pick(v) for v in each]
                                        for who, each in values.items()})


def each_of(values, form):
    """Of libzmq and the others, one number each."""
    others = {who: value for who, value in values.items() if who not in ('nw0', 'base')}
    return ', '.join(f'{who} {value:{form}}' for who, value in others.items())


def ratios_of(values, base):
    """Round by round. Nothing divided by nothing has not changed."""
    return [a / b if b else 1.0 if a == b else float('inf') for a, b in zip(values, base)]


def quartiles(values):
    if len(values) < 2:
        return values * 3
    if float('inf') in values:
        return min(values), statistics.median(values), max(values)
    low, middle, high = statistics.quantiles(values, n=4, method='inclusive')
    return low, middle, high


def fits(value, limit):
    return value <= limit[1] if limit[0] == '<' else value >= limit[1]


def centile99(values):
    return sorted(values)[max(0, -(-len(values) * 99 // 100) - 1)]
