"""The Python API behind `import closedbook`: study, load, Run, Answer, Evaluation."""
