# A catalog that does not compile.
fail('this environment is broken on purpose')
