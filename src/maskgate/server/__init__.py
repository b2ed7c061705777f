"""The gate as a web service: REST for pipelines, pages for people."""
