"""moto's server with two things that AWS documents and moto 5.2.5 leaves out: MessageType DIGEST, and that a disabled key refuses."""

import threading

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.core.exceptions import JsonRESTError
from moto.kms import responses, utils
from moto.server import main

request = threading.local()
answer = responses.KmsResponse.sign


class DisabledException(JsonRESTError):
    code = 400


def sign(self):
    key = self.kms_backend.describe_key(self._get_param("KeyId"))
    if not key.enabled:
        raise DisabledException("DisabledException", f"{key.arn} is disabled.")
    request.digest = self._get_param("MessageType") == "DIGEST"
    return answer(self)


def hashed(algorithm):
    return Prehashed(algorithm) if request.digest else algorithm


def sign_rsa(self, message, name):
    padding, algorithm = self._RSAPrivateKey__padding_and_hash_algorithm(name)
    return self.private_key.sign(message, padding, hashed(algorithm))


def sign_ecdsa(self, message, name):
    algorithm = self._ECDSAPrivateKey__hash_algorithm(name)
    return self.private_key.sign(message, ec.ECDSA(hashed(algorithm)))


responses.KmsResponse.sign = sign
utils.RSAPrivateKey.sign = sign_rsa
utils.ECDSAPrivateKey.sign = sign_ecdsa
main()
