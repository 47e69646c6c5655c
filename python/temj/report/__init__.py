"""The report of a run: one page of HTML that holds all it shows; a PDF where an engine is there.

A run is read (:mod:`temj.report.run`), its facts become sections (:mod:`temj.report.sections`) of a few kinds of blocks
(:mod:`temj.report.blocks`), and one template makes the page (:mod:`temj.report.page`).
"""
