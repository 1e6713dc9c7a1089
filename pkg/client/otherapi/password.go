package otherapi

import (
	"crypto/sha1" //nolint:gosec // MySQL's own scheme
	"encoding/hex"
	"net/http"
)

// Opens says whether the password opens the service.
func (s *Server) Opens(serviceID, password string) bool {
	service := s.passwordOf(serviceID)
	return service != nil && service.passwordHash == hashed(password)
}

// OpensMySQL says whether the password opens the service over MySQL.
func (s *Server) OpensMySQL(serviceID, password string) bool {
	service := s.passwordOf(serviceID)
	return service != nil && service.MySQL && service.mysqlHash == doubleSHA1(password)
}

// passwordOf is the service that has the password: the primary of the warehouse.
func (s *Server) passwordOf(id string) *Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	service := s.org.Service(id)
	if service == nil {
		return nil
	}
	return s.org.primary(service.Warehouse)
}

func doubleSHA1(password string) string {
	once := sha1.Sum([]byte(password)) //nolint:gosec // MySQL's own scheme
	twice := sha1.Sum(once[:])         //nolint:gosec // MySQL's own scheme
	return hex.EncodeToString(twice[:])
}

func (c *call) setPassword(service *Service) (any, error) {
	if err := c.only("newPasswordHash", "newDoubleSha1Hash"); err != nil {
		return nil, err
	}
	if !service.Primary {
		return nil, refuse(http.StatusBadRequest, "The password is the primary's.")
	}
	if err := c.notBusy(service); err != nil {
		return nil, err
	}
	c.log("service_update_password", Object{"serviceId": service.ID})
	if hash := text(c.body["newPasswordHash"]); hash != "" {
		service.passwordHash, service.mysqlHash = hash, text(c.body["newDoubleSha1Hash"])
		return Object{}, nil
	}
	password := c.letters(14) + "aZ7_"
	service.passwordHash, service.mysqlHash = hashed(password), doubleSHA1(password)
	return Object{"password": password}, nil
}
