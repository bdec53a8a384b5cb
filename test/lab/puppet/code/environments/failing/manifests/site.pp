# A catalog that compiles and is applied, but for one resource.
file { "${facts['lab_root']}/applied":
  content => "yes\n",
}
exec { 'fails on purpose':
  command => '/bin/false',
}
