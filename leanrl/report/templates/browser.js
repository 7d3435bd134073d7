// The completions of the page as one list, with filters, and with wrong ones beside right ones of the same prompt.
const SHOWN_AT_ONCE = 20;

function completionsOf(section) {
  return [...section.querySelectorAll('article')].map((node) => {
    const { step, reward, tokens, verdict, group } = node.dataset;
    const number = (words) => (words === '' ? null : +words);
    return { node, step: +step, reward: number(reward), tokens: number(tokens), verdict, group, words: node.textContent.toLowerCase() };
  });
}

function within(value, low, high) {
  const isAsked = low !== '' || high !== '';
  if (value === null) return !isAsked;
  return (low === '' || value >= +low) && (high === '' || value <= +high);
}

function isWanted(each, asked) {
  return (asked.verdict === '' || each.verdict === asked.verdict)
    && (asked.step === '' || each.step === +asked.step)
    && within(each.reward, asked.reward_from, asked.reward_to)
    && within(each.tokens, asked.tokens_from, asked.tokens_to)
    && asked.words.toLowerCase().split(/\s+/).every((word) => each.words.includes(word));
}

// A right and a wrong completion of each group that has both, in turn until one side ends.
function pairsOf(found) {
  const groups = new Map();
  for (const each of found) {
    const sides = groups.get(each.group) ?? { right: [], wrong: [] };
    sides[each.verdict === 'correct' ? 'right' : 'wrong'].push(each);
    groups.set(each.group, sides);
  }
  return [...groups.values()].flatMap(({ right, wrong }) => right.slice(0, wrong.length).map((each, place) => [each, wrong[place]]));
}

class Browser {
  constructor(section, holder) {
    this.known = completionsOf(section);
    this.shown = SHOWN_AT_ONCE;
    this.form = element('form', { class: 'filters' });
    this.count = element('p', { class: 'lead', role: 'status' });
    this.list = element('div', { class: 'found' });
    this.more = element('button', { type: 'button' }, 'Show more');
    this.more.addEventListener('click', () => { this.shown += SHOWN_AT_ONCE; this.show(); });
    this.addFields();
    this.recall();
    this.form.addEventListener('input', () => { this.shown = SHOWN_AT_ONCE; this.show(); this.keep(); });
    this.form.addEventListener('submit', (event) => event.preventDefault());
    for (const fold of section.querySelectorAll('details')) fold.remove();
    holder.append(this.form, this.count, this.list, this.more);
    this.show();
  }

  addFields() {
    const distinct = (name) => [...new Set(this.known.map((each) => each[name]))].filter((value) => value !== '');
    const choice = (name, label, values) => control(label, element('select', { name },
      element('option', { value: '' }, 'all'), ...values.map((value) => element('option', { value: String(value) }, String(value)))));
    const bound = (name, label) => element('input', { type: 'number', name, step: 'any', 'aria-label': label, placeholder: label.split(' ').pop() });
    const both = (name, label) => element('span', { class: 'bounds' }, element('span', {}, label),
      bound(`${name}_from`, `${label} from`), bound(`${name}_to`, `${label} to`));
    this.form.append(
      choice('verdict', 'Verdict', distinct('verdict').sort()),
      choice('step', 'Step', distinct('step')),
      both('reward', 'Reward'),
      both('tokens', 'Tokens'),
      control('Text', element('input', { type: 'search', name: 'words' })),
      control('Wrong beside right', element('input', { type: 'checkbox', name: 'pairs' })),
    );
  }

  asked() {
    const fields = [...this.form.elements].filter((field) => field.name);
    return Object.fromEntries(fields.map((field) => [field.name, field.type === 'checkbox' ? field.checked : field.value]));
  }

  show() {
    const asked = this.asked();
    const found = this.known.filter((each) => isWanted(each, asked));
    const rows = asked.pairs ? pairsOf(found) : found.map((each) => [each]);
    const kind = asked.pairs ? 'pairs' : 'completions';
    this.count.textContent = `${rows.length.toLocaleString('en')} ${kind}, of ${this.known.length.toLocaleString('en')} completions on this page`;
    this.list.classList.toggle('paired', asked.pairs);
    this.list.replaceChildren(...rows.slice(0, this.shown).flat().map((each) => each.node));
    this.more.hidden = rows.length <= this.shown;
  }

  keep() {
    kept.filters = this.asked();
    remember();
  }

  recall() {
    for (const field of this.form.elements) {
      const value = (kept.filters ?? {})[field.name];
      if (value !== undefined) field[field.type === 'checkbox' ? 'checked' : 'value'] = value;
    }
  }
}

function addBrowser() {
  const holder = document.getElementById('browser');
  if (holder !== null) new Browser(document.getElementById('completions'), holder);
}
