/* What is told, and so recorded, before a certificate is signed: which request, and whose key. */
#ifndef DP_CA_STEP_H
#define DP_CA_STEP_H

#include "puppet/x509.h"

#define DP_CA_STEP (64 + 3 * DP_FINGERPRINT)

/* "sign certificate: request AB:…, file CD:…, key EF:…"; deploy_ca_step_key() reads it. */
void dp_ca_step_print(char text[DP_CA_STEP], const struct dp_x509 *request);

#endif
