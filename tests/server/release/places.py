"""Destinations as a reader sees them, and as one sees them who looks at everything."""

from __future__ import annotations

import secrets

import fsspec

from maskgate.testing.object_store import Bucket


class FolderPlace:
    """A destination that is a folder."""

    def __init__(self, tmp_path):
        self.path = tmp_path / "released"
        self.uri = str(self.path)
        self.options = {}

    def files(self):
        """Everything that is there, temporary or not."""
        return {str(path.relative_to(self.path)): path.read_bytes() for path in self.path.rglob("*") if path.is_file()}

    def visible(self):
        return {name: content for name, content in self.files().items() if not name.startswith(".")}

    def plant(self, name, content):
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


class BucketPlace:
    """A destination that is a prefix of a bucket."""

    def __init__(self, bucket):
        self.bucket = bucket
        self.uri = f"s3://{bucket.name}/released"
        self.options = bucket.options

    def files(self):
        found = self.bucket.files("released/")
        return {name.removeprefix("released/"): content for name, content in found.items()}

    def visible(self):
        """What a reader sees who goes by the manifest, as readers of object stores have to."""
        files = self.files()
        published = {name.split("/")[0] for name in files if name.endswith("/manifest.json")}
        return {name: content for name, content in files.items() if name.split("/")[0] in published}

    def plant(self, name, content):
        self.bucket.filesystem.pipe_file(f"{self.bucket.name}/released/{name}", content)


class MemoryPlace(BucketPlace):
    """A destination in the memory of this process, for a store whose library is nothing like S3's."""

    def __init__(self):
        self.bucket = Bucket(f"/{secrets.token_hex(8)}", {})
        self.uri = f"memory:/{self.bucket.name}/released"
        self.options = {}

    def files(self):
        memory = fsspec.filesystem("memory")
        root = f"{self.bucket.name}/released/"
        return {name.removeprefix(root): memory.cat_file(name) for name in memory.find(root)}

    def plant(self, name, content):
        fsspec.filesystem("memory").pipe_file(f"{self.bucket.name}/released/{name}", content)
