import { describe, expect, test } from 'vitest';
import { parseAddress } from './address.js';

describe('how far an address reaches', () => {
  test.each([
    // IPv4
    ['0.0.0.0', 'never'],
    ['0.1.2.3', 'never'],
    ['1.1.1.1', 'public'],
    ['8.8.8.8', 'public'],
    ['9.255.255.255', 'public'],
    ['10.0.0.0', 'private'],
    ['10.255.255.255', 'private'],
    ['11.0.0.0', 'public'],
    ['100.63.255.255', 'public'],
    ['100.64.0.0', 'private'],
    ['100.127.255.255', 'private'],
    ['100.128.0.0', 'public'],
    ['127.0.0.1', 'private'],
    ['127.255.255.254', 'private'],
    ['169.254.0.1', 'private'],
    ['169.254.255.255', 'private'],
    ['172.15.255.255', 'public'],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'public'],
    ['192.0.0.8', 'never'],
    ['192.0.2.1', 'never'],
    ['192.88.99.1', 'never'],
    ['192.168.0.0', 'private'],
    ['192.168.255.255', 'private'],
    ['192.169.0.0', 'public'],
    ['198.18.0.1', 'never'],
    ['198.51.100.1', 'never'],
    ['203.0.113.1', 'never'],
    ['223.255.255.255', 'public'],
    ['224.0.0.1', 'never'],
    ['239.255.255.255', 'never'],
    ['240.0.0.1', 'never'],
    ['255.255.255.255', 'never'],
    // Metadata
    ['169.254.169.254', 'never'],
    ['169.254.170.2', 'never'],
    ['100.100.100.200', 'never'],
    ['168.63.129.16', 'never'],
    ['192.0.0.192', 'never'],
    ['fd00:ec2::254', 'never'],
    ['fd20:ce::254', 'never'],
    // IPv6
    ['::', 'never'],
    ['::1', 'private'],
    ['2606:4700::1111', 'public'],
    ['2001:4860:4860::8888', 'public'],
    ['3fff::1', 'never'],
    ['4000::1', 'never'],
    ['1fff::1', 'never'],
    ['fe80::1', 'private'],
    ['febf::1', 'private'],
    ['fec0::1', 'private'],
    ['fc00::1', 'private'],
    ['fd12:3456::1', 'private'],
    ['ff02::1', 'never'],
    ['ff0e::1', 'never'],
    ['100::1', 'never'],
    ['2001:db8::1', 'never'],
    ['2001:2::1', 'never'],
    ['2001:10::1', 'never'],
    // IPv4 inside IPv6: mapped
    ['::ffff:8.8.8.8', 'public'],
    ['::ffff:127.0.0.1', 'private'],
    ['::ffff:7f00:1', 'private'],
    ['0:0:0:0:0:ffff:10.0.0.1', 'private'],
    ['::ffff:169.254.169.254', 'never'],
    ['::ffff:0.0.0.0', 'never'],
    // compatible, translated
    ['::127.0.0.1', 'never'],
    ['::8.8.8.8', 'never'],
    ['::a9fe:a9fe', 'never'],
    ['::ffff:0:127.0.0.1', 'never'],
    // NAT64
    ['64:ff9b::8.8.8.8', 'public'],
    ['64:ff9b::127.0.0.1', 'private'],
    ['64:ff9b::10.1.2.3', 'private'],
    ['64:ff9b::192.168.1.1', 'private'],
    ['64:ff9b::169.254.169.254', 'never'],
    ['64:ff9b::0.0.0.0', 'never'],
    ['64:ff9b:1::8.8.8.8', 'private'],
    ['64:ff9b:1::169.254.169.254', 'never'],
    ['64:ff9b:1:a9fe:a9:fe00::', 'never'],
    ['64:ff9b:1:7f00:0:100::', 'private'],
    // 6to4
    ['2002:808:808::1', 'public'],
    ['2002:7f00:1::1', 'private'],
    ['2002:a00:1::1', 'private'],
    ['2002:a9fe:a9fe::1', 'never'],
    ['2002:e000:1::1', 'never'],
    // Teredo: server in bytes 4 to 7, client turned round at the end
    ['2001:0:808:808:0:0:f7f7:f7f7', 'public'],
    ['2001:0:808:808:0:0:80ff:fffe', 'private'],
    ['2001:0:7f00:1:0:0:f7f7:f7f7', 'private'],
    ['2001:0:808:808:0:0:5601:5601', 'never'],
    // Zones
    ['fe80::1%eth0', 'private'],
    ['::1%lo', 'never'],
    ['2606:4700::1111%eth0', 'never'],
    ['::ffff:8.8.8.8%eth0', 'never'],
  ])('%s: %s', (text, reach) => {
    expect(parseAddress(text)?.reach).toBe(reach);
  });

  test.each([
    'example.org',
    '',
    '1.2.3',
    '127.1',
    '0x7f.0.0.1',
    '017.0.0.1',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.4%eth0',
    '[::1]',
    ':::',
    '::1::',
    '12345::',
  ])('%j is no address in standard spelling', (text) => expect(parseAddress(text)).toBeUndefined());

  test('what is dialled is the spelling that was checked', () => {
    expect(parseAddress('::ffff:8.8.8.8')).toMatchObject({ text: '8.8.8.8', family: 4 });
    expect(parseAddress('2606:4700:0:0:0:0:0:1111')).toMatchObject({ text: '2606:4700::1111', family: 6 });
    expect(parseAddress('FE80::1%eth0')).toMatchObject({ text: 'fe80::1%eth0', family: 6, readings: ['fe80::1'] });
  });

  test('every IPv4 address inside an IPv6 address is among its readings', () => {
    expect(parseAddress('64:ff9b::10.1.2.3')!.readings).toContain('10.1.2.3');
    expect(parseAddress('2002:a01:203::')!.readings).toContain('10.1.2.3');
    expect(parseAddress('2001:0:a01:203::')!.readings).toEqual(expect.arrayContaining(['10.1.2.3', '255.255.255.255']));
  });
});
