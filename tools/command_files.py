"""Generates the manual page and the shell completions from the command-line options."""

import argparse
import re
from collections.abc import Iterator

import shtab

from exporter.command.arguments import make_parser

DATA = "deploy/data/share"
"""What wheels and packages install under `share` of their prefix."""

_MAN = r"""
.\" Generated from the command-line options by tools/command_files.py.
.TH AWS-BACKUP-EXPORTER 1 "" aws-backup-exporter "User Commands"
.SH NAME
aws\-backup\-exporter \- Prometheus exporter for AWS Backup
.SH SYNOPSIS
.B aws\-backup\-exporter
.RI [ option ...]
.br
.B aws\-backup\-exporter doctor
.RB [ \-\-json ]
.RI [ option ...]
.SH DESCRIPTION
Serves metrics of the jobs, resources, vaults and plans of AWS Backup over HTTP.
Credentials come from the default AWS credential chain: environment, profile, container or instance role.
.SH COMMANDS
@COMMANDS@
.SH OPTIONS
@OPTIONS@
.SH EXIT STATUS
.TP
.B 0
Success.
.TP
.B 1
The command failed. With
.BR doctor ,
there is a problem; with
.BR \-\-once ,
some data could not be read.
.TP
.B 2
The command line or a configuration file is invalid.
.SH SIGNALS
.TP
.B SIGHUP
Reload the configuration files. If they are invalid, the previous configuration stays in use.
.TP
.BR SIGTERM ", " SIGINT
Stop.
.SH ENVIRONMENT
The variables of the AWS SDK apply, such as
.BR AWS_REGION ", " AWS_PROFILE " and " AWS_SHARED_CREDENTIALS_FILE .
.SH FILES
The packages for Debian and RPM use these files:
.TP
.I /etc/aws\-backup\-exporter/config.yaml
The configuration.
.TP
.I /etc/aws\-backup\-exporter/web\-config.yaml
TLS and authentication.
.TP
.I /etc/default/aws\-backup\-exporter
More options and environment variables of the service.
.SH EXAMPLES
Validate a configuration file:
.PP
.RS
.EX
aws\-backup\-exporter \-\-config.file config.yaml \-\-config.check
.EE
.RE
.PP
Check credentials and permissions:
.PP
.RS
.EX
aws\-backup\-exporter doctor \-\-config.file config.yaml
.EE
.RE
.SH SEE ALSO
.BR prometheus (1)
"""


def files() -> dict[str, str]:
    """Return the text of each file by its path in the repository."""
    parser = make_parser()
    return {
        f"{DATA}/man/man1/{parser.prog}.1": manual_page(parser),
        f"{DATA}/bash-completion/completions/{parser.prog}": completion("bash"),
        f"{DATA}/zsh/site-functions/_{parser.prog}": completion("zsh"),
        f"{DATA}/fish/vendor_completions.d/{parser.prog}.fish": completion("fish"),
    }


def manual_page(parser: argparse.ArgumentParser) -> str:
    """Return the manual page in the format of man(7)."""
    parts = {
        "@COMMANDS@": "\n".join(_commands(parser)),
        "@OPTIONS@": "\n".join(_options(parser)),
    }
    return re.sub("@[A-Z]+@", lambda match: parts[match[0]], _MAN.lstrip())


def completion(shell: str) -> str:
    """Return the completion for bash, zsh or fish. Arguments that are files are completed as such."""
    parser = make_parser()
    for action in _actions(parser):
        if "file" in action.dest:
            action.complete = shtab.FILE  # type: ignore[attr-defined] # documented interface of shtab
    text: str = shtab.complete(parser, shell)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip() + "\n"


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001 - argparse has no other list of all options


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in _actions(parser):
        if not action.option_strings:
            name, _, meaning = (action.help or "").partition(": ")
            yield f".TP\n.B {_escaped(name)}\n{_sentence(meaning)}"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in _actions(parser):
        if action.option_strings:
            names = ", ".join(rf"\fB{_escaped(name)}\fR" for name in action.option_strings)
            value = "" if action.nargs == 0 else rf" \fI{_escaped(_value(action))}\fR"
            yield f".TP\n{names}{value}\n{_sentence(action.help or '')}"


def _value(action: argparse.Action) -> str:
    return "|".join(action.choices) if action.choices else str(action.metavar)


def _sentence(text: str) -> str:
    return _escaped(text[:1].upper() + text[1:] + ".")


def _escaped(text: str) -> str:
    """Escape what roff would change: backslashes, hyphens, and control characters at the start of a line."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text
