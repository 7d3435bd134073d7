"""What the strict mode asks of an answer beyond equality."""

from leanrl.config.sections.section import Section, key
from leanrl.types import Form


class GradingConfig(Section):
    finished: bool = key(True, "an equal answer with operations left to do is wrong (strict mode)")
    echo: bool = key(True, "an equal answer that copies a formula of the problem is wrong (strict mode)")

    @property
    def refused(self) -> tuple[Form, ...]:
        """The forms of an equal answer that earn nothing."""
        forms: list[Form] = ["unfinished"] if self.finished else []
        return (*forms, "echo") if self.echo else tuple(forms)
