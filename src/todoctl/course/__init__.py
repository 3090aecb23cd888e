"""Any app of the course: visited as a browser does, judged by bytes and todoctl's own clock."""
