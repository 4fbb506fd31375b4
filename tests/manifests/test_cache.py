"""The cache of manifests: the same result as parsing, and not used where the result could differ."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from keyturn.manifests.cache import DISABLING_VARIABLE, MIN_CACHED_FILES
from keyturn.manifests.loader import LoadedManifests, load_manifests, verify_cached_manifests
from keyturn.model.address import Address
from keyturn.model.diagnostic import DiagnosticError
from keyturn.project.project import read_project

EXAMPLES = Path(__file__).parents[2] / "examples"


class CachedRepository:
    """A copy of the encrypted example, which has every type and variant, and a cache folder."""

    def __init__(self, ground: Path) -> None:
        self.root = ground / "repo"
        shutil.copytree(EXAMPLES / "repo", self.root)
        self.environment = {"HOME": str(ground / "home"), "XDG_CACHE_HOME": str(ground / "cache")}
        self.folder = ground / "cache/keyturn/manifests"

    @property
    def cache_files(self) -> list[Path]:
        """The files in the cache folder."""
        return sorted(self.folder.iterdir()) if self.folder.is_dir() else []

    @property
    def manifests(self) -> list[Path]:
        """The manifests of the example, sorted."""
        return sorted((self.root / "manifests").rglob("*.yaml"))

    def load(self, **environment: str) -> LoadedManifests:
        """Load the manifests with the cache."""
        project = read_project(self.root)
        return load_manifests(
            project, project.find_workspace(), environment={**self.environment, **environment}
        )

    def load_uncached(self) -> LoadedManifests:
        """Load the manifests without a cache."""
        project = read_project(self.root)
        return load_manifests(project, project.find_workspace())

    def change_entry(self, name: str, **values: object) -> None:
        """Change the cached tree of a manifest."""
        (file,) = self.cache_files
        validity, entries = msgspec.msgpack.decode(file.read_bytes())
        (path,) = [path for path in entries if path.endswith(f"/{name}.yaml")]
        entries[path][1] |= values
        file.write_bytes(msgspec.msgpack.encode([validity, entries]))


@pytest.fixture
def repository(tmp_path):
    """Return a repository whose manifests are cached."""
    repository = CachedRepository(tmp_path)
    repository.load()
    return repository


def assert_parsed(repository, *names, **environment):
    """Assert that just these manifests are parsed, and that the result is that without a cache."""
    loaded, fresh = repository.load(**environment), repository.load_uncached()
    assert [each.desired for each in (loaded,)] == [fresh.desired]
    assert loaded.diagnostics == fresh.diagnostics
    assert loaded.files == fresh.files
    views = zip(loaded.resource_views, fresh.resource_views, strict=True)
    for view, expected in views:
        assert dict(view.spans) == dict(expected.spans)
        assert msgspec.structs.replace(view, spans={}) == msgspec.structs.replace(expected, spans={})
    parsed = {file for file in loaded.files if file not in loaded.cached_files}
    expected = set(loaded.files) if names == ("all",) else {f for f in loaded.files if Path(f).stem in names}
    assert parsed == expected


def test_unchanged_manifests_are_not_parsed(repository):
    """The result equals that of parsing, for every type and variant, with values and locations."""
    assert len(repository.manifests) > MIN_CACHED_FILES
    assert_parsed(repository)


def test_a_changed_manifest_is_parsed(repository):
    """One byte more, and its new content counts; the others stay cached."""
    path = repository.manifests[0]
    path.write_text(
        path.read_text() + "labels: {team: other}\n" if "labels:" not in path.read_text() else "x"
    )
    assert_parsed(repository, path.stem)


def test_a_moved_manifest_is_parsed(repository):
    """Rules depend on the path, so an entry is valid for one path only."""
    path = repository.manifests[0]
    target = path.parent / "moved" / path.name
    target.parent.mkdir()
    path.rename(target)
    assert_parsed(repository, path.stem)


@pytest.mark.parametrize("change", ["policy", "other repository", "disabled", "no folder", "relative folder"])
def test_other_rules_have_no_cache(repository, change, tmp_path):
    """Another project file, another root, or no folder of the user: every manifest is parsed."""
    environment = {}
    if change == "policy":
        file = repository.root / "keyturn.yaml"
        file.write_text(file.read_text() + "# another line\n")
    elif change == "other repository":
        repository.root = repository.root.rename(tmp_path / "elsewhere")
    elif change == "disabled":
        environment = {DISABLING_VARIABLE: "1"}
    elif change == "no folder":
        environment = {"XDG_CACHE_HOME": "", "HOME": ""}
    else:
        environment = {"XDG_CACHE_HOME": "cache", "HOME": "home"}
    assert_parsed(repository, "all", **environment)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x92\xa1x\x80", b"x" * 100, None])
def test_an_unreadable_cache_is_ignored(repository, data):
    """Empty, torn and foreign files count as no cache, and the next run has one again."""
    (file,) = repository.cache_files
    file.write_bytes(file.read_bytes()[:-5] if data is None else data)
    assert_parsed(repository, "all")
    assert_parsed(repository)


@pytest.mark.parametrize("place", ["file", "folder"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_cache_that_others_can_access_is_ignored(repository, place, mode):
    """What another user could have written is not believed."""
    (file,) = repository.cache_files
    (file if place == "file" else file.parent).chmod(mode | 0o100)
    assert_parsed(repository, "all")


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_link_is_not_followed(repository, place, tmp_path):
    """A link in place of the file or its folder counts as no cache."""
    path = repository.cache_files[0] if place == "file" else repository.folder
    path.rename(tmp_path / "target")
    path.symlink_to(tmp_path / "target")
    assert_parsed(repository, "all")


def test_only_the_user_can_read_the_cache(repository):
    """The folder has mode 0700 and the file 0600; no temporary file stays."""
    (file,) = repository.cache_files
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_read_only_folder_fails_nothing(tmp_path):
    """Without a writable folder, each run parses."""
    repository = CachedRepository(tmp_path)
    (tmp_path / "cache").write_text("a file in place of the folder")
    assert_parsed(repository, "all")


def test_findings_and_plain_secrets_are_not_cached(repository, canary):
    """A manifest with a finding is examined in each run; a secret in plain text never reaches the cache."""
    word = canary()
    path = repository.manifests[0].parent / "plain-one.yaml"
    path.write_text(
        f"kind: credential\nname: plain-one\ntype: api_key\nconfig: {{}}\nsecrets: {{api_key: {word}}}\n"
    )
    assert_parsed(repository, "plain-one")
    assert_parsed(repository, "plain-one")
    (file,) = repository.cache_files
    assert word.encode() not in file.read_bytes()
    path.unlink()


def test_a_deleted_manifest_leaves_the_cache(repository):
    """An entry without a file is dropped with the next change."""
    first, second = repository.manifests[:2]
    size = repository.cache_files[0].stat().st_size
    first.unlink()
    second.write_text(second.read_text() + "# comment\n")
    repository.load()
    assert repository.cache_files[0].stat().st_size < size


def test_old_caches_are_deleted(repository):
    """A file that no run wrote for 30 days is deleted at the next write, also a temporary file."""
    for name, days in (("recent", 29), ("old", 31), (".0123", 31)):
        path = repository.folder / name
        path.write_text("x")
        written = repository.cache_files[-1].stat().st_mtime - days * 86400
        os.utime(path, (written, written))
    path = repository.manifests[0]
    path.write_text(path.read_text() + "# comment\n")
    repository.load()
    assert len(repository.cache_files) == 2
    assert (repository.folder / "recent").exists()


def test_a_change_never_rests_on_the_cache(repository):
    """A resource that a plan changes is parsed: an entry that says otherwise is KT145."""
    address = Address("connection", "prod-stripe")
    project = read_project(repository.root)
    verify_cached_manifests(project, repository.load(), {address})
    repository.change_entry("prod-stripe", labels={"team": "forged"})
    loaded = repository.load()
    assert any(each.labels == {"team": "forged"} for each in loaded.desired)
    verify_cached_manifests(project, loaded, {Address("connection", "prod-snowflake")})
    with pytest.raises(DiagnosticError) as caught:
        verify_cached_manifests(project, loaded, {address})
    assert [(each.code, each.origin.file) for each in caught.value.diagnostics] == [
        ("KT145", next(file for file in loaded.files if "prod-stripe.yaml" in file))
    ]


def test_a_file_that_changes_meanwhile_is_refused(repository):
    """Between reading and planning, the file must stay the same (KT143)."""
    loaded = repository.load()
    path = next(path for path in repository.manifests if path.stem == "prod-stripe")
    path.write_text(path.read_text() + "# comment\n")
    with pytest.raises(DiagnosticError) as caught:
        verify_cached_manifests(read_project(repository.root), loaded, {Address("connection", "prod-stripe")})
    assert [each.code for each in caught.value.diagnostics] == ["KT143"]


def test_root_owned_folder_of_another_user(repository):
    """A folder of another user is not believed."""
    if os.geteuid():
        pytest.skip("only root can give a folder to another user")
    os.chown(repository.folder, 12345, 12345)
    assert_parsed(repository, "all")
